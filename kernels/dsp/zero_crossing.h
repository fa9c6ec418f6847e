#pragma once

#include "kernels/device/context.h"
#include "kernels/dsp/frames.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int zero_crossing_rate_revision = 1;

/// Share of samples in a frame whose sign differs from the sample before, as
/// librosa.feature.zero_crossing_rate(center=True): the signal is continued with its first and last
/// sample, |x| <= 1e-10 is zero, zero counts as positive, the first sample of a frame never counts.
/// signal  [samples]    clips end to end
/// out     [frames, 1]  frames = frames_of(samples, hop_length)
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out);

namespace cpu {
void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
