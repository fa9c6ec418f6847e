#include "kernels/dsp/pcen.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/device/vector_path.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/pcen.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

double pcen_smoothing(const PcenOptions& options, double sample_rate, int hop_length) {
  const double frames = options.time_constant * sample_rate / static_cast<double>(hop_length);
  // (sqrt(1 + 4 frames^2) - 1) / (2 frames^2), also of few frames.
  return 2 / (1 + std::sqrt(1 + 4 * frames * frames));
}

void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out) {
  check_ranges(options);
  const Index bands = spectrogram.rank() == 2 ? spectrogram.extent(1) : 0;
  expect_shape("pcen", "spectrogram", spectrogram.shape(), Shape{frames.total(), bands});
  expect_shape("pcen", "out", out.shape(), spectrogram.shape());
  expect_on_device("pcen", context, spectrogram, out);
  if (!(sample_rate > 0) || hop_length < 1) {
    throw ConfigError("pcen: sample_rate is " + shortest(sample_rate) + " and hop_length " +
                      std::to_string(hop_length) + ", but both must be positive");
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::pcen(context, spectrogram, frames, sample_rate, hop_length, options, out);
    }
  }
  cpu::pcen(context, spectrogram, frames, sample_rate, hop_length, options, out);
}

namespace cpu {

void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out) {
  // Frames follow one another, bands do not: lane = band.
  const Index bands = spectrogram.extent(1);
  const Index blocks = (bands + simd::lanes - 1) / simd::lanes;
  const double smoothing = pcen_smoothing(options, sample_rate, hop_length);
  context.parallel(frames.clips() * blocks, [&](Index chunk) {
    const Index clip = chunk / blocks;
    const Index band = chunk % blocks * simd::lanes;
    const Index first = frames.begin(clip) * bands + band;
    ON_VECTOR_PATH(pcen_of_bands)
    (spectrogram.data() + first, frames.length(clip), bands, std::min(simd::lanes, bands - band),
     smoothing, options, out.data() + first);
  });
}

}  // namespace cpu
}  // namespace serenade
