#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/evaluation/predictions.h"

namespace serenade {

/// What the networks of a fold that differ in their seeds say together: a row for every fold and
/// clip, in the order in which they come, with the mean of their probabilities, summed in float32
/// in the order of the rows as `predict` does, and the first of the most likely classes. Rows have
/// no seed. Throws ShapeError where a row has not one probability per label.
std::vector<ClipPrediction> averaged_over_seeds(std::span<const std::string> labels,
                                                std::span<const ClipPrediction> predictions);

}  // namespace serenade
