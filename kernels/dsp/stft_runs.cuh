#pragma once

#include <cufft.h>

#include <functional>

#include "kernels/device/launch.cuh"
#include "kernels/dsp/stft.h"

namespace serenade::cuda {

/// Transforms a batch run by run. store(session, spectrum [frames of the run, bins], first frame,
/// frames of the run) enqueues what is to become of a run before the next overwrites it. Uses the
/// session's scratch 0 and 1.
void transform_runs(
    Context& context, const StftPlan& plan, Tensor<const float> signal, const Ragged& samples,
    const std::function<void(Session&, const cufftDoubleComplex*, Index, Index)>& store);

/// |x|^2, rounded once.
__device__ inline float power_of(const cufftDoubleComplex& x) {
  return static_cast<float>(x.x * x.x + x.y * x.y);
}

}  // namespace serenade::cuda
