#pragma once

#include "tests/reference/spectral.h"

/// YIN and pYIN of one clip as their definitions say, in float64 and plain loops.
namespace serenade::reference {

/// [frames][max_period - min_period + 1]: cumulative mean normalised differences, correlations by
/// plain sums.
Matrix yin_differences(const Signal& signal, double sample_rate, double fmin, double fmax,
                       int frame_length, int hop_length);

/// [frames][1], Hz.
Matrix yin(const Signal& signal, double sample_rate, double fmin, double fmax, double threshold,
           int frame_length, int hop_length);

/// [frames][3]: Hz or 0, voiced, probability; librosa 1.0's defaults. The whole table of ways from
/// state to state.
Matrix pyin(const Signal& signal, double sample_rate, double fmin, double fmax, int frame_length,
            int hop_length);

}  // namespace serenade::reference
