#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pipeline/evaluation/predictions.h"

namespace serenade {

/// A clip that was taken for another class.
struct Mistake {
  std::string id, path, speaker, fold;  ///< as in ClipPrediction
  std::optional<std::uint64_t> seed;
  std::string label, predicted;
  double probability = 0;           ///< of the predicted class
  double probability_of_label = 0;  ///< of the true one
};

/// The mistakes that the network was surest of, surest first and by id where equal; at most
/// `count`. A clip that several networks mistook (seeds) is there once, as the surest of them took
/// it. Clips whose labels are wrong or whose recording is odd gather here.
/// Throws DataError when a class is not among the labels, naming the clip, and ShapeError when a
/// wrongly taken clip has not one probability per label.
std::vector<Mistake> surest_mistakes(std::span<const std::string> labels,
                                     std::span<const ClipPrediction> predictions,
                                     std::size_t count);

}  // namespace serenade
