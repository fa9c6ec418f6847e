#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/evaluation/groups.h"
#include "pipeline/evaluation/mistakes.h"
#include "pipeline/evaluation/options.h"
#include "pipeline/evaluation/predictions.h"
#include "pipeline/metrics/bootstrap.h"
#include "pipeline/metrics/calibration.h"
#include "pipeline/metrics/confusion.h"
#include "pipeline/metrics/guessing.h"
#include "pipeline/metrics/scores.h"

namespace serenade {

/// What one network, of one fold and one seed, scored on its test clips.
struct FoldScores {
  std::string name;                   ///< as in ClipPrediction::fold
  std::optional<std::uint64_t> seed;  ///< as in ClipPrediction::seed
  ConfusionMatrix confusion;
  Scores scores;
  std::optional<ScoreIntervals> intervals;  ///< see add_intervals
};

/// All folds of one seed.
struct SeedScores {
  std::uint64_t seed = 0;
  MeanAndDeviation accuracy, uar, macro_f1;  ///< over its folds
};

/// Means over folds.
struct FoldAverages {
  MeanAndDeviation accuracy, uar, macro_f1;
};

/// The networks of each fold that differ in their seeds as one recogniser: their probabilities
/// averaged (averaged_over_seeds) and scored once.
struct EnsembleScores {
  std::vector<FoldScores> folds;             ///< one for each fold; no seed
  MeanAndDeviation accuracy, uar, macro_f1;  ///< over folds
  ConfusionMatrix pooled;                    ///< of all folds
  Scores pooled_scores;
  std::optional<ScoreIntervals> pooled_intervals;  ///< see add_intervals
};

/// A way of guessing, scored on the same test clips as the network: the mean over folds.
struct Baseline {
  std::string name;  ///< "most frequent class", "guess by frequency", "guess evenly"
  GuessScores scores;
};

/// Predictions scored: each fold by itself, over folds, and all clips in one matrix.
struct Evaluation {
  std::vector<std::string> labels;  ///< in the order of class numbers
  std::vector<FoldScores> folds;    ///< at least one, in the order in which they come
  /// In the order in which they come; empty unless some fold has several.
  std::vector<SeedScores> seeds;
  /// Over folds, each weighing the same; where there are several seeds, over the seeds' means.
  MeanAndDeviation accuracy, uar, macro_f1;
  /// Over folds, each the mean over its seeds.
  FoldAverages over_folds;
  std::optional<EnsembleScores> ensemble;  ///< where there are several seeds
  /// All test clips together. Its scores differ a little from the means over folds: there a clip
  /// in a small fold weighs more.
  ConfusionMatrix pooled;
  Scores pooled_scores;  ///< counts a clip as often as there are networks (seeds) that heard it
  std::optional<ScoreIntervals> pooled_intervals;  ///< see add_intervals
  Index clips = 0;                                 ///< different test clips with a true class
  Index unlabelled = 0;  ///< clips left out because their true class is unknown

  std::vector<Grouping> groups;     ///< of all test clips; see scores_by_group
  std::vector<Mistake> mistakes;    ///< of all test clips; see surest_mistakes
  Calibration calibration;          ///< of all test clips, by the predicted class' probability
  std::vector<Baseline> baselines;  ///< see add_baselines
};

/// Everything but intervals and baselines. Throws DataError when a class is not among the labels,
/// naming the clip, and ShapeError when no clip has a label or one has not a probability per label.
Evaluation evaluate_predictions(std::span<const std::string> labels,
                                std::span<const ClipPrediction> predictions,
                                const EvaluationOptions& options = {});

/// What is drawn as one when intervals are made.
enum class Resampled { clips, speakers };

/// Intervals (bootstrap_intervals) of each fold and of all clips together, in place. Resampling
/// speakers, a clip whose speaker is unknown stands alone. Where several networks heard one clip
/// (seeds), it is drawn with all that they said of it. Independent of the order of predictions.
/// predictions: those that the evaluation was made of.
void add_intervals(Context& context, Evaluation& evaluation,
                   std::span<const ClipPrediction> predictions, Resampled resampled,
                   const BootstrapOptions& options);

/// Clips of the training part of a fold by class.
struct TrainingCounts {
  std::string fold;  ///< as in ClipPrediction::fold
  std::vector<Index> clips;
};

/// What guessing would score (guessing.h): the most frequent class of a fold's training part, its
/// classes by their frequency, its classes evenly; means over folds as those of the network. None
/// where the counts of some fold are missing.
void add_baselines(Evaluation& evaluation, std::span<const TrainingCounts> training);

}  // namespace serenade
