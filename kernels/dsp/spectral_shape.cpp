#include "kernels/dsp/spectral_shape.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/spectral_shape.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted) {
  check_ranges(wanted.bandwidth_options);
  check_ranges(wanted.rolloff_options);
  check_ranges(wanted.flatness_options);
  const Index bins = magnitude.rank() == 2 ? magnitude.extent(1) : 0;
  expect_shape("spectral_shape", "magnitude", magnitude.shape(), Shape{frames.total(), bins});
  if (!(sample_rate > 0) || bins < 3) {
    throw ConfigError("spectral_shape: sample_rate is " + shortest(sample_rate) +
                      " and there are " + std::to_string(bins) +
                      " bins, but it must be positive and they at least 3");
  }
  for (const auto& [name, view] :
       {std::pair{"centroid", wanted.centroid}, std::pair{"bandwidth", wanted.bandwidth},
        std::pair{"rolloff", wanted.rolloff}, std::pair{"flatness", wanted.flatness},
        std::pair{"flux", wanted.flux}}) {
    if (view.data() == nullptr) continue;
    expect_shape("spectral_shape", name, view.shape(), Shape{frames.total(), 1});
    expect_on_device("spectral_shape", context, magnitude, view);
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::spectral_shape(context, magnitude, frames, sample_rate, wanted);
    }
  }
  cpu::spectral_shape(context, magnitude, frames, sample_rate, wanted);
}

namespace cpu {

using simd::lanes;

void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted) {
  const Index bins = magnitude.extent(1);
  const auto n_fft = static_cast<double>(2 * (bins - 1));
  const double hz_per_bin = 1.0 / (n_fft * (1.0 / sample_rate));
  const bool of_tiles = wanted.centroid.data() != nullptr || wanted.bandwidth.data() != nullptr ||
                        wanted.rolloff.data() != nullptr || wanted.flatness.data() != nullptr;
  context.parallel(tiles_of(frames.total()), [&](Index i) {
    const Index first = i * lanes;
    const Index count = std::min(lanes, frames.total() - first);
    const auto put = [&](const float* of_lanes, const Tensor<float>& out) {
      if (out.data() != nullptr) std::copy_n(of_lanes, count, out.data() + first);
    };
    if (of_tiles) {
      float* tile = scratch(0, bins * lanes);
      float* result = scratch(1, 2 * lanes);
      float* other = result + lanes;
      double* sums = scratch_double(2 * lanes);
      load_tile(magnitude.data() + first * bins, bins, count, bins, tile);
      ON_VECTOR_PATH(centroids)(tile, bins, hz_per_bin, sums, result);
      put(result, wanted.centroid);
      if (wanted.bandwidth.data() != nullptr) {
        ON_VECTOR_PATH(bandwidths)
        (tile, bins, hz_per_bin, wanted.bandwidth_options.p, sums, other);
        put(other, wanted.bandwidth);
      }
      if (wanted.rolloff.data() != nullptr) {
        ON_VECTOR_PATH(rolloffs)
        (tile, bins, hz_per_bin, wanted.rolloff_options.roll_percent, sums, other);
        put(other, wanted.rolloff);
      }
      if (wanted.flatness.data() != nullptr) {
        ON_VECTOR_PATH(flatnesses)
        (tile, bins, static_cast<float>(wanted.flatness_options.amin), sums, other);
        put(other, wanted.flatness);
      }
    }
    if (wanted.flux.data() == nullptr) return;
    // Of two neighbouring rows as they lie: bins are the lanes, and nothing is transposed twice.
    for (Index t = first; t < first + count; ++t) {
      const float* row = magnitude.data() + t * bins;
      wanted.flux.data()[t] = t == 0 ? 0.0F : ON_VECTOR_PATH(mean_increase)(row, row - bins, bins);
    }
  });
  if (wanted.flux.data() == nullptr) return;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    if (frames.length(clip) > 0) wanted.flux.data()[frames.begin(clip)] = 0.0F;
  }
}

}  // namespace cpu
}  // namespace serenade
