#pragma once

#include <functional>
#include <string>
#include <vector>

#include "pipeline/augmentation/copies.h"
#include "pipeline/corpus/leakage.h"
#include "pipeline/experiment/experiment.h"
#include "pipeline/features/cache.h"
#include "pipeline/training/scaler.h"

namespace serenade {

/// An experiment before anything is learned: who is in it, their features, and who is on which
/// side.
struct Prepared {
  Corpus corpus;  ///< without the clips that could not be read
  FeatureCache features;
  ExtractionReport extraction;
  Split split;
  SplitLeakage leakage;
  std::vector<std::string> warnings;  ///< for the report; the observer has heard them
  SpeakerScalers speakers{};          ///< empty unless clips are standardised by their speakers

  /// What augmentation adds: nothing where the configuration lists no copies.
  TrainingCopies copies{};
  std::vector<FeatureCache> copy_features{};  ///< of each recipe
  std::vector<AugmentedRows> learned{};       ///< of each fold: what its networks are trained on

  /// Features [rows, dims] of a row of the data set: an utterance of the corpus or a copy.
  Tensor<const float> rows(std::size_t row) const;
  /// Fits the speakers' scalers on all that the corpus holds now.
  void fit_speakers();
  /// The scaler of an utterance's speaker, where there are any.
  const StandardScaler* scaler(std::size_t utterance) const;
};

enum class MissingFeatures { compute, refuse };

/// Corpus and features of an experiment; `split` stays empty. Unreadable clips are left out, with a
/// warning that names them. `expect` is asked before features are computed, and throws where the
/// corpus will not do. Throws DataError where too many clips are unreadable, or where features are
/// missing that may not be computed.
Prepared load_features(
    const ExperimentConfig& config, const Workplace& workplace, MissingFeatures missing,
    const std::function<void(const Corpus&)>& expect = [](const Corpus&) {});

/// Says in the split's protocol that clips are standardised by their speakers.
void name_speaker_norm(Split& split);

/// The same with the split, drawn without the unreadable clips; the draw of every other clip is the
/// same as with them. Then the features of the copies of training clips; one that has none is left
/// out with a warning. What each fold is to learn is proved to hold no copy of what it is judged by
/// (expect_copies_unheard). Throws DataError also where all recordings have one label, and where
/// too many copies have no features.
Prepared prepare(const ExperimentConfig& config, const Workplace& workplace,
                 MissingFeatures missing);

/// The same of a run that is trained. Throws DataError where the corpus no longer gives its split.
Prepared prepare_as_trained(const ExperimentConfig& config, const RunFolder& run,
                            const Workplace& workplace);

}  // namespace serenade
