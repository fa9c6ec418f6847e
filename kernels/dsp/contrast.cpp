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

void contrast_tile(const ContrastBands& bands, const float* magnitude, Index first, Index count,
                   Tensor<float> valleys, Tensor<float> peaks) {
  const Index rows = bands.rows();
  Index most = 0;
  for (const auto& band : bands.bands()) most = std::max(most, band.share);
  float* valley = scratch(1, 2 * (rows + most) * lanes);
  float* peak = valley + rows * lanes;
  float* smallest = peak + rows * lanes;
  float* largest = smallest + most * lanes;
  for (Index k = 0; k < rows; ++k) {
    ON_VECTOR_PATH(valley_and_peak)
    (magnitude, bands.bands()[static_cast<std::size_t>(k)], smallest, largest, valley + k * lanes,
     peak + k * lanes);
  }
  store_tile(valley, rows, count, valleys.data() + first * rows, rows);
  store_tile(peak, rows, count, peaks.data() + first * rows, rows);
}

void finish_contrast(Context& context, Tensor<float> valleys, const Ragged& frames,
                     Tensor<float> out) {
  const PowerToDbOptions decibels;
  cpu::power_to_db(context, out, frames, decibels, out);
  cpu::power_to_db(context, valleys, frames, decibels, valleys);
  constexpr Index chunk_size = 1 << 13;
  context.parallel((out.size() + chunk_size - 1) / chunk_size, [&](Index chunk) {
    const Index end = std::min(out.size(), (chunk + 1) * chunk_size);
    for (Index i = chunk * chunk_size; i < end; ++i) out.data()[i] -= valleys.data()[i];
  });
}

void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out) {
  const Index bins = bands.bins();
  Lent valleys = context.lend(out.shape());
  const Tensor<float> valley = valleys.view();
  context.parallel(tiles_of(frames.total()), [&](Index i) {
    const Index first = i * lanes;
    const Index count = std::min(lanes, frames.total() - first);
    float* in = scratch(0, bins * lanes);
    load_tile(magnitude.data() + first * bins, bins, count, bins, in);
    contrast_tile(bands, in, first, count, valley, out);
  });
  finish_contrast(context, valley, frames, out);
}

}  // namespace cpu
}  // namespace serenade
