#pragma once

#include <cmath>
#include <cstddef>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/stft.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int tuning_revision = 1;

/// A tuning is one of so many steps of 0.01 from -0.5 on.
inline constexpr std::size_t tuning_steps = 100;
constexpr double tuning_of_step(std::size_t step) { return static_cast<double>(step) * 0.01 - 0.5; }
/// The nearest step; the first or the last for what lies beyond them.
inline std::size_t tuning_step_of(double tuning) {
  const double step = std::nearbyint((tuning + 0.5) * 100);
  if (!(step > 0)) return 0;
  return step < tuning_steps - 1 ? static_cast<std::size_t>(step) : tuning_steps - 1;
}

/// Deviation of each clip from A440, in [-0.5, 0.5) pitch classes, a multiple of 0.01, as
/// librosa.estimate_tuning(S=power): peaks from 150 to 4000 Hz that exceed a tenth of their frame's
/// maximum, interpolated by parabolas; of those, the ones at least as high as their median; the
/// most frequent deviation, the lowest where several are. 0 for a clip without peaks.
/// power   [frames, 1 + n_fft/2]  |STFT|^2, clips end to end
/// tuning  [clips]
/// Throws ShapeError when the shapes do not fit, ConfigError unless sample_rate and n_chroma, the
/// pitch classes in an octave, are positive.
void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning);

/// Where peaks are looked for in a spectrum of so many bins.
struct TuningSpectrum {
  Index bins;
  Index first, last;  // bins [first, last) are from 150 to 4000 Hz
  double sample_rate;
  double n_fft;
};
TuningSpectrum tuning_spectrum(Index bins, double sample_rate);

namespace cpu {
void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning);
/// The same of the magnitudes of a signal's frames, which are not written.
void estimate_tuning_by_magnitude(Context& context, const StftPlan& plan,
                                  Tensor<const float> signal, const Ragged& samples,
                                  double sample_rate, int n_chroma, Tensor<float> tuning);
}  // namespace cpu
namespace cuda {
void estimate_tuning(Context& context, Tensor<const float> power, const Ragged& frames,
                     double sample_rate, int n_chroma, Tensor<float> tuning);
}  // namespace cuda

}  // namespace serenade
