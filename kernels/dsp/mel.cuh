#pragma once

#include "kernels/device/launch.cuh"
#include "kernels/dsp/mel.h"

namespace serenade::cuda {

/// A MelBank on the device, as kernels take it.
struct MelFilters {
  MelFilters(Session& session, const MelBank& bank);

  /// One band of a frame's power [bins]: weights in ascending order.
  __device__ float band(const float* power, int mel) const {
    const float* from = power + first_bin[mel];
    const Index begin = offset[mel];
    const Index count = offset[mel + 1] - begin;
    float sum = 0;
    for (Index k = 0; k < count; ++k) sum = fmaf(weights[begin + k], from[k], sum);
    return sum;
  }

  const Index* first_bin;  ///< [n_mels]
  const Index* offset;     ///< [n_mels + 1] into weights
  const float* weights;
  int n_mels;
};

}  // namespace serenade::cuda
