#pragma once

#include "pipeline/training/dataset.h"

namespace serenade {

/// Mean and population standard deviation of every dimension over all frames of the training
/// clips, as scikit-learn's StandardScaler: a dimension that is constant but for rounding
/// (variance <= n eps variance + (n mean eps)^2, n frames, eps of float64) gets scale 1. Two passes
/// in float64 in the order of the rows. No padding is counted: the data set holds none.
/// Throws DataError where there are no rows.
StandardScaler fit_scaler(const DataSet& data, const TrainingRows& rows);

/// The length, frames, that 95% of the training clips do not exceed (the smallest such): what
/// `model.frames: null` stands for where features are sequences.
Index choose_frames(const DataSet& data, const TrainingRows& rows);

}  // namespace serenade
