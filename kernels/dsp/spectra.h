#pragma once

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
};

/// stft_power, magnitude, mel_power and power_to_db, each with the bits that it gives alone, in one
/// pass over the spectrum, which none of what is not wanted leaves: on the CPU a tile of frames at
/// a time, while it lies in the cache. signal [samples], clips end to end; frames =
/// frames_of(samples, plan.options().hop_length). Throws ShapeError where a view does not fit or
/// mel is wanted without a bank.
void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
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
