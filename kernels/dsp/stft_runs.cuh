#pragma once

#include <functional>

#include "kernels/device/launch.cuh"
#include "kernels/dsp/fft_runs.cuh"
#include "kernels/dsp/stft.h"

namespace serenade::cuda {

/// How frames are cut from a signal: frame t of a clip has its middle at sample t * hop_length.
struct FrameCut {
  int n_fft;
  int hop_length;
  const double*
      window;   ///< [n_fft] on the device, by which frames are multiplied; null: they are not
  bool mirror;  ///< what lies beyond a clip is its reflection, otherwise zeros
};

/// store(session, spectrum [frames of the run, bins], first frame, frames of the run) enqueues what
/// is to become of a run before the next overwrites it.
using StoreRun = std::function<void(Session&, const cufftDoubleComplex*, Index, Index)>;

/// Transforms a batch run by run. Uses the session's scratch 0 and 1.
void transform_runs(Context& context, const FrameCut& cut, Tensor<const float> signal,
                    const Ragged& samples, const Ragged& frames, const StoreRun& store);

/// The plan's frames.
void transform_runs(Context& context, const StftPlan& plan, Tensor<const float> signal,
                    const Ragged& samples, const StoreRun& store);

/// The plan's window [n_fft] on the device.
const double* window_of(Session& session, const StftPlan& plan);

/// |x|^2, rounded once.
__device__ inline float power_of(const cufftDoubleComplex& x) {
  return static_cast<float>(x.x * x.x + x.y * x.y);
}

}  // namespace serenade::cuda
