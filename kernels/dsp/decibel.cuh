#pragma once

#include "kernels/device/warp.cuh"
#include "kernels/dsp/decibel.h"

/// What becomes decibels here and on the way (spectra.cu).
namespace serenade::cuda {

/// 10 log10(max(power, amin)) - reference, as a kernel takes it.
struct Decibel {
  explicit Decibel(const PowerToDbOptions& options);

  __device__ float operator()(float power) const {
    return 10.0F * log10f(fmaxf(power, amin)) - reference;
  }
  float amin;
  float reference;
};

/// The clips' maxima so far, -infinity each, as ordered() has them: to be raised by atomicMax. In
/// the session's scratch 3.
unsigned* lowest_maxima(Session& session, Index clips);
/// Raises rows [frames, dims] to what top_db says, if anything.
void raise_to_floor(Session& session, const Ragged& frames, Index dims,
                    const PowerToDbOptions& options, const unsigned* maxima, float* rows);

}  // namespace serenade::cuda
