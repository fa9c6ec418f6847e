#include "pipeline/corpus/protocols/speakers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/corpus/protocols/parts.h"

namespace serenade {

std::size_t needed_beside_test(const SplitOptions& options) {
  return options.validation > 0 ? 2 : 1;
}

Speakers present_speakers(const SplitTask& task, std::string_view who) {
  Speakers present;
  for (const auto& utterance : task.corpus.utterances) present.insert(utterance.speaker);
  const std::size_t needed = 1 + needed_beside_test(task.options);
  if (present.size() < needed) {
    throw DataError(fmt::format(
        "split.protocol {} needs at least {} {} (test, training{}), and the corpus has {}",
        enum_name(task.options.protocol), needed, who, needed > 2 ? ", validation" : "",
        present.size()));
  }
  return present;
}

Speakers draw_validation_speakers(const SplitTask& task, const Speakers& training,
                                  const std::string& purpose) {
  const auto wanted = static_cast<std::size_t>(
      std::max(1.0, std::round(task.options.validation * static_cast<double>(training.size()))));
  std::vector<std::pair<std::uint64_t, std::string>> order;
  order.reserve(training.size());
  for (const auto& speaker : training) {
    order.emplace_back(draw(task.seed, purpose, speaker), speaker);
  }
  std::sort(order.begin(), order.end());
  Speakers chosen;
  for (std::size_t i = 0; i < std::min(wanted, order.size() - 1); ++i) {
    chosen.insert(order[i].second);
  }
  return chosen;
}

Fold fold_of_speakers(const SplitTask& task, const Speakers& present, const SpeakerFold& fold,
                      std::string_view who) {
  Speakers training = present;
  for (const auto& speaker : fold.test) training.erase(speaker);
  const std::size_t needed = needed_beside_test(task.options);
  if (training.size() < needed) {
    throw DataError(fmt::format(
        "split.protocol {}: {} tests on {} and leaves {} {} for training, of the {} that are "
        "there; {} are needed",
        enum_name(task.options.protocol), fold.name, fmt::join(fold.test, ", "), training.size(),
        who, present.size(), needed));
  }
  Speakers validation;
  if (task.options.validation > 0) {
    validation = fold.validation.empty()
                     ? draw_validation_speakers(task, training, "validation of " + fold.name)
                     : fold.validation;
  }
  std::vector<Part> parts;
  parts.reserve(task.corpus.utterances.size());
  for (const auto& utterance : task.corpus.utterances) {
    parts.push_back(fold.test.contains(utterance.speaker)    ? Part::test
                    : validation.contains(utterance.speaker) ? Part::validation
                                                             : Part::training);
  }
  return make_fold(fold.name, parts);
}

}  // namespace serenade
