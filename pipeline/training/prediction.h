#pragma once

#include <span>

#include "kernels/device/context.h"
#include "pipeline/model/network.h"
#include "pipeline/model/network_input.h"
#include "pipeline/training/resident_data.h"

namespace serenade {

/// What a network says of clips. A clip's bits are the same alone, among any others, at any place
/// and on any number of threads.
struct Prediction {
  /// [clips, classes]; of a clip that is scored in several windows (NetworkInput::window_starts)
  /// the logarithms of their probabilities' mean.
  Array<float> logits;
  Array<float> probabilities;  ///< [clips, classes], their softmax
};

/// On the context's device; a network that lives on another is copied there for the call.
/// features: a matrix [frames, dims] for each clip, as the feature extractor gives it.
/// speakers: where the input standardises by speaker, the scaler of each clip's; else not looked at
/// (a clip's own scaler is computed here).
/// Throws ShapeError where features do not fit the input or the input the network, DataError where
/// a speaker's scaler is missing.
Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   std::span<const Tensor<const float>> features,
                   std::span<const StandardScaler* const> speakers = {});

/// Clips that lie in the context's memory.
struct ResidentClips {
  const ResidentData& data;
  Tensor<const double> mean, scale;   ///< of the network's input, there as well
  std::span<const std::size_t> rows;  ///< of the data set
};
/// Of such clips, the same bits: nothing but where windows begin is sent.
Prediction predict(Context& context, Network& network, const NetworkInput& input,
                   const ResidentClips& clips);

/// Whether a row of probabilities is an answer: numbers, all of them. Finite weights can still give
/// sums beyond what a float holds.
bool is_answer(std::span<const float> probabilities);
/// What is to be said where it is not.
inline constexpr const char* no_answer =
    "the network gives no probabilities for it (NaN): its weights or these features are out of "
    "bounds";

/// Class with the largest number in a row; the first of equals.
int most_likely(std::span<const float> row);

}  // namespace serenade
