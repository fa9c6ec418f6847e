#pragma once

#include <map>
#include <span>
#include <string>

#include "pipeline/training/dataset.h"

namespace serenade {

/// Mean and population standard deviation of every dimension over all frames of the training
/// clips, as scikit-learn's StandardScaler: a dimension that is constant gets scale 1 (scale_of).
/// Two passes in float64 in the order of the rows. No padding is counted: the data set holds none.
/// Throws DataError where there are no rows.
StandardScaler fit_scaler(const DataSet& data, const TrainingRows& rows);

/// Of all frames of these rows. The bits do not depend on the order of the rows.
StandardScaler fit_rows(std::span<const std::size_t> rows, const FeatureSource& features);

/// Scalers by speaker.
using SpeakerScalers = std::map<std::string, StandardScaler>;

/// Every speaker's own scaler, of all frames of all of the speaker's clips, whatever part they are
/// in: neither labels nor splits are looked at. The bits do not depend on the order of the clips.
SpeakerScalers fit_speakers(const Corpus& corpus, const FeatureSource& features);

/// The length, frames, that 95% of the training clips do not exceed (the smallest such): what
/// `model.frames: null` stands for where features are sequences.
Index choose_frames(const DataSet& data, const TrainingRows& rows);

}  // namespace serenade
