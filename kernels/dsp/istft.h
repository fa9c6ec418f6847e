#pragma once

#include "kernels/dsp/stft.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int istft_revision = 1;

/// Inverse short-time Fourier transform, librosa.istft(center=True, length=...): frames are
/// transformed back, windowed, added where they overlap and divided by the sum of the squared
/// windows.
/// spectrum  [frames, 1 + n_fft/2, 2]  real, imaginary; imaginary parts of the first and last bin
///                                     count for nothing
/// frames    of each clip
/// out       [samples]                 clips end to end, of any lengths; silence beyond the frames
/// Throws ShapeError when the shapes do not fit the plan and the batch.
void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out);

namespace cpu {
void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out);
/// Each row of spectra back to time by itself, times the window: numpy.fft.irfft.
/// spectrum  [rows, 1 + n_fft/2, 2]  ->  out [rows, n_fft]
void inverse_frames(Context& context, const FftPlan& fft, Tensor<const float> spectrum,
                    Tensor<float> out);
}  // namespace cpu
namespace cuda {
void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
