#pragma once

#include "kernels/dsp/hpss.h"
#include "kernels/dsp/stft.h"

namespace serenade {

/// Which signals are wanted. A view of no data is not wanted.
struct SeparatedSignals {
  Tensor<float> harmonic;    ///< [samples]
  Tensor<float> percussive;  ///< [samples]
};

/// The harmonic and the percussive part of each clip: its spectrum times the masks of hpss(),
/// transformed back. librosa.effects.hpss(y); the spectrum and its medians are computed once for
/// both.
/// signal  [samples]  clips end to end
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted);

namespace cpu {
void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted);
}  // namespace cpu
namespace cuda {
void separate(Context& context, const StftPlan& plan, Tensor<const float> signal,
              const Ragged& samples, const HpssOptions& options, const SeparatedSignals& wanted);
}  // namespace cuda

}  // namespace serenade
