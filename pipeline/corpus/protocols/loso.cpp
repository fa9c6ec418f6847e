#include <fmt/format.h>

#include "pipeline/corpus/protocols/speakers.h"

namespace serenade {

Split loso_split(const SplitTask& task) {
  const Speakers present = present_speakers(task);
  Split split;
  split.speaker_independent = true;
  for (const auto& speaker : present) {
    const SpeakerFold fold{fmt::format("fold-{}", split.folds.size() + 1), {speaker}, {}};
    split.folds.push_back(fold_of_speakers(task, present, fold));
  }
  return split;
}

}  // namespace serenade
