#include "pipeline/corpus/labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/corpus/emotions.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/support/nearest.h"

namespace serenade {

void map_labels(Listing& listing, const LabelMap& labels, std::string_view corpus) {
  // A part of a data set need not have all of its labels.
  std::set<std::string> known(listing.emotions.begin(), listing.emotions.end());
  for (const auto& utterance : listing.utterances) known.insert(utterance.label);
  const std::vector<std::string> names = in_class_order(std::move(known));
  for (const auto& [from, to] : labels) {
    if (std::find(names.begin(), names.end(), from) == names.end()) {
      throw ConfigError(fmt::format("corpus.labels: '{}' is no emotion of {}, which has {}{}", from,
                                    corpus, fmt::join(names, ", "), did_you_mean(from, names)));
    }
    if (to && to->empty()) {
      throw ConfigError(fmt::format(
          "corpus.labels: '{}' becomes an empty word; null leaves its recordings out", from));
    }
  }

  std::map<std::string, std::size_t> left_out;
  std::vector<Utterance> kept;
  kept.reserve(listing.utterances.size());
  for (auto& utterance : listing.utterances) {
    const auto change = labels.find(utterance.label);
    if (change != labels.end() && !change->second) {
      ++left_out[utterance.label];
      continue;
    }
    if (change != labels.end()) utterance.label = *change->second;
    kept.push_back(std::move(utterance));
  }
  listing.utterances = std::move(kept);
  for (const auto& [label, count] : left_out) {
    listing.notes.push_back(
        fmt::format("{} of '{}' {} left out (corpus.labels)", files(count), label, is_are(count)));
  }
  if (listing.utterances.empty()) {
    throw DataError(fmt::format("corpus.labels leaves no recording of {}", corpus));
  }
}

}  // namespace serenade
