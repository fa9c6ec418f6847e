#pragma once

#include <string>
#include <vector>

#include "kernels/device/tensor.h"
#include "pipeline/corpus/split.h"

namespace serenade {

/// What test clips have in common with the clips that were learned from, which are those of the
/// training part and of the validation part, as that one chooses the epoch. A test clip counts once
/// under each heading, however many of those clips it meets there.
struct Leakage {
  Index test_clips = 0;
  Index same_content = 0;  ///< a learned clip is the same, byte for byte, under another name
  Index same_speaker = 0;  ///< a learned clip is by the same speaker
  /// A learned clip repeats it: the same speaker, label and statement and, where they are known,
  /// intensity and channel. Copies are repetitions as well.
  Index same_utterance = 0;
  Index statement_unknown = 0;  ///< not known what is said in them, so no repetition can be found
};

struct FoldLeakage {
  std::string fold;
  Leakage leakage;
};

struct SplitLeakage {
  std::vector<FoldLeakage> folds;
  Leakage overall;  ///< sums over the folds
};

/// Measures every fold. Recordings that were processed differently (cut, converted, made louder)
/// are different contents here: near-duplicates are not looked for.
SplitLeakage measure_leakage(const Corpus& corpus, const Split& split);

/// One line for a person: "leakage: of 300 test clips, 300 (100 %) are by speakers who ...".
std::string leakage_line(const Leakage& leakage);

}  // namespace serenade
