#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/evaluation/predictions.h"
#include "pipeline/metrics/scores.h"

namespace serenade {

/// The clips that have one value of a field.
struct GroupScores {
  std::string value;  ///< "strong"
  Index clips = 0;
  double accuracy = 0;
  double uar = 0;  ///< over the classes that the group has
};

/// Test clips by speaker, or by a field that their names or manifest state.
struct Grouping {
  std::string field;                ///< "speaker", "intensity"
  std::vector<GroupScores> values;  ///< numbers by size, then words by alphabet
};

/// A field with more values than this says little about each.
inline constexpr std::size_t most_group_values = 10;

/// Scores by speaker, then by every field with 2 to most_group_values values, fields by alphabet. A
/// field that only names speaker or class again is left out, as are clips without a true class or
/// (in its grouping) without the field, and the speakers where there is only one.
/// Throws DataError when a class is not among the labels, naming the clip.
std::vector<Grouping> scores_by_group(std::span<const std::string> labels,
                                      std::span<const ClipPrediction> predictions);

}  // namespace serenade
