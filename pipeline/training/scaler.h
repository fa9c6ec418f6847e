#pragma once

#include <functional>

#include "pipeline/corpus/split.h"
#include "pipeline/model/network_input.h"

namespace serenade {

/// Features [frames, dims] of an utterance by its index in the corpus. The view stays valid for as
/// long as the source. Called from one thread at a time.
using FeatureSource = std::function<Tensor<const float>(std::size_t utterance)>;

/// Mean and population standard deviation of every dimension over all frames of the training
/// clips, as scikit-learn's StandardScaler: a dimension that is constant but for rounding
/// (variance <= n eps variance + (n mean eps)^2) gets scale 1. Two passes in float64, in order of
/// the rows. The matrices are those of the clips, so no padding is counted.
/// Throws DataError where there is no frame or a value is not finite, ShapeError where matrices
/// differ in dims.
StandardScaler fit_scaler(const TrainingRows& rows, const FeatureSource& features);

/// The length that 95% of the training clips do not exceed (the smallest such number of frames):
/// what `model.frames: null` stands for where features are sequences.
Index choose_frames(const TrainingRows& rows, const FeatureSource& features);

}  // namespace serenade
