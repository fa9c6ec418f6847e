#include "kernels/dsp/contrast.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/contrast.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

[[noreturn]] void refuse_band(int band, double low, const std::string& why) {
  throw ConfigError("spectral_contrast: band " + std::to_string(band) + " begins at " +
                    shortest(low) + " Hz, " + why);
}

}  // namespace

ContrastBands::ContrastBands(const SpectralContrastOptions& options, double sample_rate, int n_fft)
    : bins_(1 + n_fft / 2) {
  check_ranges(options);
  if (!(sample_rate > 0) || n_fft < 4) {
    throw ConfigError("spectral_contrast: sample_rate is " + shortest(sample_rate) + " and n_fft " +
                      std::to_string(n_fft) + ", but they must be positive and at least 4");
  }
  const double nyquist = sample_rate / 2;
  const double hz_per_bin = 1.0 / (n_fft * (1.0 / sample_rate));
  const auto hz = [&](Index bin) { return static_cast<double>(bin) * hz_per_bin; };
  std::vector<Band> bands;
  for (int k = 0; k <= options.n_bands; ++k) {
    const double low = k == 0 ? 0 : options.fmin * std::exp2(k - 1);
    const double high = options.fmin * std::exp2(k);
    if (low >= nyquist) {
      refuse_band(
          k, low,
          "but half the sample rate is " + shortest(nyquist) + " Hz; reduce n_bands or fmin");
    }
    Band band;
    while (band.first < bins_ && hz(band.first) < low) ++band.first;
    band.last = band.first;
    while (band.last < bins_ && hz(band.last) <= high) ++band.last;
    const bool empty = band.first == band.last;
    if (k > 0) --band.first;
    if (k == options.n_bands) band.last = bins_;
    const auto counted = static_cast<double>(band.last - band.first);
    band.share = static_cast<Index>(std::max(1.0, std::nearbyint(options.quantile * counted)));
    if (k < options.n_bands) --band.last;
    if (empty || band.first >= band.last) {
      refuse_band(
          k, low,
          "too narrow to hold a bin of n_fft " + std::to_string(n_fft) + "; raise fmin or n_fft");
    }
    bands.push_back(band);
  }
  bands_ = std::make_shared<const std::vector<Band>>(std::move(bands));
}

void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out) {
  expect_shape("spectral_contrast", "magnitude", magnitude.shape(),
               Shape{frames.total(), bands.bins()});
  expect_shape("spectral_contrast", "out", out.shape(), Shape{frames.total(), bands.rows()});
  expect_on_device("spectral_contrast", context, magnitude, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::spectral_contrast(context, magnitude, frames, bands, out);
    }
  }
  cpu::spectral_contrast(context, magnitude, frames, bands, out);
}

namespace cpu {

using simd::lanes;

void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out) {
  const Index bins = bands.bins();
  const Index rows = bands.rows();
  Index most = 0;
  for (const auto& band : bands.bands()) most = std::max(most, band.share);

  Array<float> valley_memory(Shape{frames.total(), rows});
  const Tensor<float> valley = valley_memory.view();
  const Tensor<float> peak = out;
  context.parallel(tiles_of(frames.total()), [&](Index i) {
    const Index first = i * lanes;
    const Index count = std::min(lanes, frames.total() - first);
    float* in = scratch(0, bins * lanes);
    float* valleys = scratch(1, rows * lanes);
    float* peaks = scratch(2, rows * lanes);
    float* sorted = scratch(3, 2 * most * lanes);
    load_tile(magnitude.data() + first * bins, bins, count, bins, in);
    for (Index k = 0; k < rows; ++k) {
      ON_VECTOR_PATH(valley_and_peak)
      (in, bands.bands()[static_cast<std::size_t>(k)], sorted, sorted + most * lanes,
       valleys + k * lanes, peaks + k * lanes);
    }
    store_tile(valleys, rows, count, valley.data() + first * rows, rows);
    store_tile(peaks, rows, count, peak.data() + first * rows, rows);
  });

  const PowerToDbOptions decibels;
  cpu::power_to_db(context, peak, frames, decibels, peak);
  cpu::power_to_db(context, valley, frames, decibels, valley);
  constexpr Index frames_a_chunk = 1024;
  context.parallel((frames.total() + frames_a_chunk - 1) / frames_a_chunk, [&](Index chunk) {
    const Index begin = chunk * frames_a_chunk * rows;
    const Index end = std::min(frames.total() * rows, begin + frames_a_chunk * rows);
    for (Index i = begin; i < end; ++i) out.data()[i] -= valley.data()[i];
  });
}

}  // namespace cpu
}  // namespace serenade
