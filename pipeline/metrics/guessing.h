#pragma once

#include <span>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade {

/// What guessing without listening is expected to score: the floor that any recogniser must leave
/// behind. Shares from 0 to 1.
struct GuessScores {
  double accuracy = 0;
  double uar = 0;
  double macro_f1 = 0;
};

/// Scores of naming class k with probability guess[k], whatever the clip: those of the confusion
/// matrix that this gives on average. For accuracy and UAR that is their expectation, for macro-F1
/// close to it. As scikit-learn's DummyClassifier is scored.
/// guess    [classes]  probabilities, adding up to 1
/// support  [classes]  clips of each true class
/// Throws ShapeError when lengths differ or there are no clips.
GuessScores scores_of_guessing(std::span<const double> guess, std::span<const Index> support);

/// The most frequent class of the training part, always; the first of equals.
std::vector<double> guess_majority(std::span<const Index> training);
/// Each class as often as in the training part ("stratified").
std::vector<double> guess_by_frequency(std::span<const Index> training);
/// Each class of the training part as often as any other: chance.
std::vector<double> guess_evenly(std::span<const Index> training);

}  // namespace serenade
