#include "pipeline/evaluation/mistakes.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

namespace serenade {

std::vector<Mistake> surest_mistakes(std::span<const std::string> labels,
                                     std::span<const ClipPrediction> predictions,
                                     std::size_t count) {
  std::vector<Mistake> mistakes;
  for (const ClipPrediction& clip : predictions) {
    if (clip.label.empty() || clip.label == clip.predicted) continue;
    Mistake mistake{.id = clip.id,
                    .path = clip.path,
                    .speaker = clip.speaker,
                    .fold = clip.fold,
                    .seed = clip.seed,
                    .label = clip.label,
                    .predicted = clip.predicted,
                    .probability = probability_of(labels, clip.predicted, clip),
                    .probability_of_label = probability_of(labels, clip.label, clip)};
    if (std::isfinite(mistake.probability)) mistakes.push_back(std::move(mistake));
  }
  std::sort(mistakes.begin(), mistakes.end(), [](const Mistake& a, const Mistake& b) {
    return std::tie(b.probability, a.id, a.fold, a.seed) <
           std::tie(a.probability, b.id, b.fold, b.seed);
  });
  std::vector<Mistake> surest;
  std::set<std::string> ids;
  for (Mistake& mistake : mistakes) {
    if (surest.size() == count) break;
    if (ids.insert(mistake.id).second) surest.push_back(std::move(mistake));
  }
  return surest;
}

}  // namespace serenade
