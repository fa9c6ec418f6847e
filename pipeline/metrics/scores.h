#pragma once

#include <span>
#include <vector>

#include "pipeline/metrics/confusion.h"

namespace serenade {

/// How one class fared. A ratio whose denominator is 0 is 0, as scikit-learn's zero_division=0.
struct ClassScores {
  double precision = 0;  ///< of the clips given this class, the share that is of it
  double recall = 0;     ///< of the clips of this class, the share that was given it
  double f1 = 0;         ///< 2 correct / (support + predicted)
  Index support = 0;     ///< clips of this class
  Index predicted = 0;   ///< clips given this class
};

/// What a confusion matrix comes to. Shares from 0 to 1.
struct Scores {
  double accuracy = 0;  ///< share of clips that are right; "weighted accuracy", WA
  /// Unweighted average recall, "UA": mean recall of the classes that have clips, as
  /// scikit-learn's balanced_accuracy_score.
  double uar = 0;
  /// Mean F1 of the classes that occur among truth or predictions, as scikit-learn's
  /// f1_score(average="macro").
  double macro_f1 = 0;
  std::vector<ClassScores> per_class;  ///< [classes]
  Index clips = 0;
};

/// Throws ShapeError when the matrix counts no clips: nothing is known then.
Scores scores_of(const ConfusionMatrix& confusion);

/// Sum in the order of numpy.add.reduce (pairwise, eight partial sums), so that averages agree
/// with scikit-learn's to the last bit and hence in every printed digit.
double pairwise_sum(std::span<const double> values);

/// Mean over folds or seeds and how far they scatter.
struct MeanAndDeviation {
  double mean = 0;
  /// Sample standard deviation, sum of squares over n - 1 (numpy's ddof=1): folds are a sample of
  /// what other folds would have given. NaN for a single value.
  double deviation = 0;
};

/// Throws ShapeError when there are no values.
MeanAndDeviation mean_and_deviation(std::span<const double> values);

}  // namespace serenade
