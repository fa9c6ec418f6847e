#pragma once

#include "pipeline/audio/decode.h"

namespace serenade {

/// A sample whose magnitude is at least this is at full scale: 16-bit integers from 32,736 up.
inline constexpr float full_scale = 0.999F;
/// So many samples in a row at full scale, of one sign and in one channel, are clipped: a sine does
/// not stay there that long by itself unless it is low or loud.
inline constexpr Index clipped_run = 3;
/// A recording whose peak is below this (-60 dB of full scale) is silent.
inline constexpr float silence_peak = 0.001F;

/// How loud a recording is.
struct Levels {
  float peak = 0;            ///< largest magnitude of a sample
  double clipped_share = 0;  ///< samples in runs of clipped_run or more, of all; 0 to 1
};

/// Levels of all channels together; zeros for a clip without samples.
Levels measure_levels(const Clip& clip);

}  // namespace serenade
