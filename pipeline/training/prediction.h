#pragma once

#include <span>

#include "kernels/device/context.h"
#include "pipeline/model/network.h"
#include "pipeline/model/network_input.h"

namespace serenade {

/// What a network says of clips. A clip's bits are the same alone, among any others, at any place
/// and on any number of threads.
struct Prediction {
  /// [clips, classes]; of a clip that is scored in several windows (NetworkInput::window_starts)
  /// the logarithms of their probabilities' mean.
  Array<float> logits;
  Array<float> probabilities;  ///< [clips, classes], their softmax
};

/// features: a matrix [frames, dims] for each clip, as the feature extractor gives it.
/// Throws ShapeError where features do not fit the input or the input the network.
Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   std::span<const Tensor<const float>> features);

/// Class with the largest number in a row; the first of equals.
int most_likely(std::span<const float> row);

}  // namespace serenade
