#pragma once

#include <span>
#include <vector>

#include "kernels/dsp/soxr.h"

namespace serenade {

/// Sample rate conversion as librosa.resample(res_type="soxr_hq"), its length included.
/// signal [n] at in_rate -> [resampled_length(n)] at out_rate. Equal rates copy. Each thread keeps
/// what it needs for its last pair of rates; every call gives the same bits, on any thread.
/// Throws as Soxr does.
std::vector<float> resample(std::span<const float> signal, int in_rate, int out_rate);

}  // namespace serenade
