#pragma once

#include "kernels/device/context.h"
#include "kernels/dsp/frames.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int rms_revision = 1;

/// Root mean square of each frame, the signal continued with zeros on both sides, as
/// librosa.feature.rms(y=...) with center=True.
/// signal  [samples]    clips end to end
/// out     [frames, 1]  frames = frames_of(samples, hop_length)
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out);

namespace cpu {
void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
