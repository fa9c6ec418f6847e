#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/evaluation/predictions.h"
#include "pipeline/metrics/confusion.h"
#include "pipeline/metrics/scores.h"

namespace serenade {

/// The test part of one fold (or seed), scored.
struct FoldScores {
  std::string name;  ///< as in ClipPrediction::fold
  ConfusionMatrix confusion;
  Scores scores;
};

/// Predictions scored: each fold by itself, over folds, and all clips in one matrix.
struct Evaluation {
  std::vector<std::string> labels;           ///< in the order of class numbers
  std::vector<FoldScores> folds;             ///< at least one, in the order in which they come
  MeanAndDeviation accuracy, uar, macro_f1;  ///< over folds, each fold weighing the same
  /// All test clips together. Its scores differ a little from the means over folds: there a clip
  /// in a small fold weighs more.
  ConfusionMatrix pooled;
  Scores pooled_scores;
  Index unlabelled = 0;  ///< clips left out because their true class is unknown
};

/// Throws DataError when a class is not among the labels, naming the clip, and ShapeError when no
/// clip has a label.
Evaluation evaluate_predictions(std::span<const std::string> labels,
                                std::span<const ClipPrediction> predictions);

}  // namespace serenade
