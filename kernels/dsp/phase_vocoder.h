#pragma once

#include <span>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int phase_vocoder_revision = 1;

/// Frames that `frames` become at a rate: those of numpy.arange(0, frames, rate).
Index stretched_frames(Index frames, double rate);

/// A spectrogram `rate` times as fast without a change of pitch, librosa.phase_vocoder: magnitudes
/// are interpolated between two frames, and phases go on as they do from the one to the other. As
/// there, phases are summed up in float32, so that of high frequencies they are good to 0.02 rad
/// after some hundred frames. Where a spectrum is 0, so is its phase. Made on the CPU only.
/// spectrum  [frames, 1 + n_fft/2, 2]     clips end to end: as stft() gives it
/// rates     of each clip, more than 0
/// out       [stretched, 1 + n_fft/2, 2]  stretched_frames of each
/// Throws ShapeError when the shapes do not fit.
void phase_vocoder(Context& context, Tensor<const float> spectrum, const Ragged& frames,
                   int hop_length, std::span<const double> rates, Tensor<float> out);

namespace cpu {
void phase_vocoder(Context& context, Tensor<const float> spectrum, const Ragged& frames,
                   int hop_length, std::span<const double> rates, Tensor<float> out);
}  // namespace cpu

}  // namespace serenade
