#pragma once

#include "kernels/dsp/contrast.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/stft.h"

namespace serenade {

/// What is wanted of a batch's spectra. A view of no data is not wanted.
struct Spectra {
  Tensor<float> power;      ///< [frames, bins]    stft_power
  Tensor<float> magnitude;  ///< [frames, bins]    its root
  const MelBank* bank = nullptr;
  Tensor<float> mel;      ///< [frames, n_mels]  mel_power of it
  Tensor<float> log_mel;  ///< [frames, n_mels]  power_to_db of that
  PowerToDbOptions db;
  const ContrastBands* contrast_bands = nullptr;
  Tensor<float> contrast{};  ///< [frames, n_bands + 1]  spectral_contrast of the magnitude
};

/// stft_power, magnitude, mel_power, power_to_db and spectral_contrast, each with the bits that it
/// gives alone, in one pass over the spectrum, which none of what is not wanted leaves: on the CPU
/// a tile of frames at a time, while it lies in the cache; on CUDA contrast has a pass of its own.
/// signal [samples], clips end to end; frames = frames_of(samples, plan.options().hop_length).
/// Throws ShapeError where a view does not fit, mel is wanted without a bank or contrast without
/// bands.
void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted);

/// Throws what spectra() would.
void check_spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
                   const Ragged& samples, const Spectra& wanted);

namespace cpu {
void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted);
}  // namespace cpu
namespace cuda {
void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted);
}  // namespace cuda

}  // namespace serenade
