#include "pipeline/corpus/protocol_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/device/error.h"

namespace serenade {
namespace {

struct ProtocolEntry {
  std::string_view name, text;
};

/// Reports print these: a reader who knows nothing of the field must learn what a score is worth.
constexpr auto texts = std::to_array<ProtocolEntry>({
    {"random",
     "Clips are divided at random within each emotion, {test} for testing and {training} for "
     "training. The same speakers are on both sides, and often another take of the same sentence, "
     "so the scores say nothing about voices that were never heard in training."},
    {"random-grouped",
     "Clips are divided at random within each emotion, {test} for testing and {training} for "
     "training, but all takes of a sentence by a speaker with one emotion and intensity stay on "
     "one side. The same speakers are on both sides, so the scores say nothing about voices that "
     "were never heard in training."},
    {"emobox",
     "Six folds, each tested on four of the 24 RAVDESS actors and trained on the others, as EmoBox "
     "(Interspeech 2024) divides them; scores are averaged over the folds. No test speaker is "
     "heard in training, so the scores are those for new voices."},
    {"luna",
     "Five folds, each tested on four or five of the 24 RAVDESS actors and trained on the others, "
     "as Luna-Jiménez and others (2021) divide them; scores are averaged over the folds. No test "
     "speaker is heard in training, so the scores are those for new voices."},
    {"speaker-kfold",
     "The speakers are dealt at random into groups, and each group in turn tests a network that "
     "was trained on all the others; scores are averaged over these folds. No test speaker is "
     "heard in training, so the scores are those for new voices."},
    {"loso",
     "Leave one speaker out: each speaker in turn tests a network that was trained on all the "
     "others, and scores are averaged over these folds. No test speaker is heard in training, so "
     "the scores are those for new voices."},
    {"listed",
     "A file that came with the experiment lists which clips are trained on and which are tested; "
     "nothing was drawn. Whether a test speaker was heard in training depends on that list."},
});

std::string percent(double share) { return fmt::format("{:.3g}%", 100 * share); }

}  // namespace

std::string protocol_text(std::string_view protocol, double test_size) {
  const auto* const found =
      std::find_if(texts.begin(), texts.end(),
                   [&](const ProtocolEntry& entry) { return entry.name == protocol; });
  if (found == texts.end()) {
    throw ConfigError(fmt::format("split.protocol {}: no text says what it is", protocol));
  }
  return fmt::format(fmt::runtime(found->text), fmt::arg("test", percent(test_size)),
                     fmt::arg("training", percent(1 - test_size)));
}

}  // namespace serenade
