#pragma once

#include <cstdint>

#include "pipeline/corpus/split.h"

namespace serenade {

/// What is to be divided, and how.
struct SplitTask {
  const Corpus& corpus;
  const SplitOptions& options;
  std::uint64_t seed;
};

// The protocols, a file each. They fill a Split but for the protocol's name and description and
// the notes on classes that are missing, and throw what make_split says.

/// random and random-grouped: clips, or groups of repetitions, drawn with stratified classes.
Split random_split(const SplitTask& task);

/// Six folds of unseen RAVDESS actors, EmoBox (Ma et al., Interspeech 2024, arXiv 2406.07162).
Split emobox_split(const SplitTask& task);

/// Five folds of unseen RAVDESS actors, test actors as in Luna-Jimenez et al. 2021 (Sensors 21(22)
/// 7665), validation actors as in ResLSTM-SER.
Split luna_split(const SplitTask& task);

/// Leave one speaker out: a fold for each speaker, in the order of their names.
Split loso_split(const SplitTask& task);

/// options.folds folds of whole speakers, drawn so that folds are alike in clips and in sex.
Split speaker_kfold_split(const SplitTask& task);

/// The parts that the CSV file options.file names.
Split listed_split(const SplitTask& task);

}  // namespace serenade
