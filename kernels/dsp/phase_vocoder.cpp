#include "kernels/dsp/phase_vocoder.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "kernels/device/checks.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/phase_vocoder.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

Index stretched_frames(Index frames, double rate) {
  return static_cast<Index>(std::ceil(static_cast<double>(frames) / rate));
}

void phase_vocoder(Context& context, Tensor<const float> spectrum, const Ragged& frames,
                   int hop_length, std::span<const double> rates, Tensor<float> out) {
  const Index bins = spectrum.rank() == 3 ? spectrum.extent(1) : 0;
  expect_shape("phase_vocoder", "spectrum", spectrum.shape(), Shape{frames.total(), bins, 2});
  if (static_cast<Index>(rates.size()) != frames.clips()) {
    throw ShapeError("phase_vocoder: " + std::to_string(rates.size()) + " rates for " +
                     std::to_string(frames.clips()) + " clips");
  }
  Index stretched = 0;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    const double rate = rates[static_cast<std::size_t>(clip)];
    if (!(rate > 0)) throw ShapeError("phase_vocoder: a rate is " + std::to_string(rate));
    stretched += stretched_frames(frames.length(clip), rate);
  }
  expect_shape("phase_vocoder", "out", out.shape(), Shape{stretched, bins, 2});
  expect_on_device("phase_vocoder", context, spectrum, out);
  if (context.device() != Device::cpu) {
    throw DeviceError("phase_vocoder: is computed on the CPU only");
  }
  cpu::phase_vocoder(context, spectrum, frames, hop_length, rates, out);
}

namespace cpu {
namespace {

constexpr Index padded(Index bins) { return (bins + simd::lanes - 1) / simd::lanes * simd::lanes; }

/// Rows of real and imaginary parts side by side become two rows.
void split(const float* pairs, Index bins, float* real, float* imaginary) {
  for (Index i = 0; i < bins; ++i) {
    real[i] = pairs[2 * i];
    imaginary[i] = pairs[2 * i + 1];
  }
}

/// Angles and magnitudes of a clip's frames and of the silence behind them.
struct Polar {
  Index width;
  std::vector<float> angles, magnitudes;  // [frames + 2, width]
};

Polar polar_of(const float* spectrum, Index frames, Index bins) {
  const Index width = padded(bins);
  const auto size = static_cast<std::size_t>((frames + 2) * width);
  Polar result{width, std::vector<float>(size), std::vector<float>(size)};
  std::vector<float> real(static_cast<std::size_t>(width)), imaginary(real.size());
  for (Index t = 0; t < frames; ++t) {
    split(spectrum + t * 2 * bins, bins, real.data(), imaginary.data());
    ON_VECTOR_PATH(polar)
    (real.data(), imaginary.data(), width, result.angles.data() + t * width,
     result.magnitudes.data() + t * width);
  }
  return result;
}

void stretch(const float* spectrum, Index frames, Index bins, int hop_length, double rate,
             float* out) {
  const Polar polar = polar_of(spectrum, frames, bins);
  const auto width = static_cast<std::size_t>(polar.width);
  std::vector<double> expected(width, 0.0);
  for (Index bin = 0; bin < bins; ++bin) {
    expected[static_cast<std::size_t>(bin)] = static_cast<double>(hop_length) * std::numbers::pi *
                                              static_cast<double>(bin) /
                                              static_cast<double>(bins - 1);
  }
  std::vector<float> phase(polar.angles.begin(),
                           polar.angles.begin() + static_cast<std::ptrdiff_t>(width));
  std::vector<float> real(width), imaginary(width);
  const Index stretched = stretched_frames(frames, rate);
  for (Index t = 0; t < stretched; ++t, out += 2 * bins) {
    const double step = static_cast<double>(t) * rate;
    const auto column = std::min(static_cast<Index>(step), frames);
    const Index at = column * polar.width, next = at + polar.width;
    ON_VECTOR_PATH(next_frame)
    (polar.angles.data() + at, polar.angles.data() + next, polar.magnitudes.data() + at,
     polar.magnitudes.data() + next, step - std::floor(step), expected.data(), polar.width,
     phase.data(), real.data(), imaginary.data());
    for (Index i = 0; i < bins; ++i) {
      out[2 * i] = real[static_cast<std::size_t>(i)];
      out[2 * i + 1] = imaginary[static_cast<std::size_t>(i)];
    }
  }
}

}  // namespace

void phase_vocoder(Context& context, Tensor<const float> spectrum, const Ragged& frames,
                   int hop_length, std::span<const double> rates, Tensor<float> out) {
  const Index bins = spectrum.extent(1);
  Ragged stretched;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    stretched.append(stretched_frames(frames.length(clip), rates[static_cast<std::size_t>(clip)]));
  }
  context.parallel(frames.clips(), [&](Index clip) {
    stretch(spectrum.data() + frames.begin(clip) * 2 * bins, frames.length(clip), bins, hop_length,
            rates[static_cast<std::size_t>(clip)], out.data() + stretched.begin(clip) * 2 * bins);
  });
}

}  // namespace cpu
}  // namespace serenade
