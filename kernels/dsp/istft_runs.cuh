#pragma once

#include "kernels/device/context.h"
#include "kernels/dsp/istft.h"

namespace serenade::cuda {

/// istft() of the spectrum times `mask` [frames, 1 + n_fft/2]; null: as it is. Uses the session's
/// scratch 0 and 1.
void istft_of_part(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
                   const float* mask, const Ragged& frames, const Ragged& samples,
                   Tensor<float> out);

}  // namespace serenade::cuda
