#include "pipeline/evaluation/seed_averages.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "kernels/device/error.h"

namespace serenade {

std::vector<ClipPrediction> averaged_over_seeds(std::span<const std::string> labels,
                                                std::span<const ClipPrediction> predictions) {
  std::vector<ClipPrediction> means;
  std::vector<float> networks;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
  for (const ClipPrediction& clip : predictions) {
    if (clip.probabilities.size() != labels.size() || labels.empty()) {
      throw ShapeError(fmt::format("clip {} has {} probabilities for {} classes", clip.id,
                                   clip.probabilities.size(), labels.size()));
    }
    const auto [place, added] = places.try_emplace({clip.fold, clip.id}, means.size());
    if (added) {
      means.push_back(clip);
      means.back().seed.reset();
      networks.push_back(1);
      continue;
    }
    std::vector<float>& sum = means[place->second].probabilities;
    for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += clip.probabilities[c];
    networks[place->second] += 1;
  }
  for (std::size_t i = 0; i < means.size(); ++i) {
    std::vector<float>& mean = means[i].probabilities;
    for (float& p : mean) p /= networks[i];
    const auto best = std::max_element(mean.begin(), mean.end()) - mean.begin();
    means[i].predicted = labels[static_cast<std::size_t>(best)];
  }
  return means;
}

}  // namespace serenade
