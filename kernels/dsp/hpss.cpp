#include "kernels/dsp/hpss.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/hpss.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

void expect_mask(Context& context, std::string_view name, const Tensor<float>& mask,
                 const Shape& shape) {
  if (mask.data() == nullptr) return;
  expect_shape("hpss", name, mask.shape(), shape);
  expect_on_device("hpss", context, mask);
}

}  // namespace

void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted) {
  check_ranges(options);
  expect_rank("hpss", "magnitude", magnitude.shape(), 2, "[frames, bins]");
  expect_shape("hpss", "magnitude", magnitude.shape(), Shape{frames.total(), magnitude.extent(1)});
  expect_on_device("hpss", context, magnitude);
  expect_mask(context, "harmonic", wanted.harmonic, magnitude.shape());
  expect_mask(context, "percussive", wanted.percussive, magnitude.shape());
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::hpss(context, magnitude, frames, options, wanted);
    }
  }
  cpu::hpss(context, magnitude, frames, options, wanted);
}

namespace cpu {

using simd::lanes;

namespace {

Index padded(Index rows) { return (rows + lanes - 1) / lanes * lanes; }

/// Along time: frames are the rows as they lie, and neighbouring bins the lanes.
void median_over_time(Context& context, Tensor<const float> in, const Ragged& frames,
                      Tensor<float> out) {
  const Index bins = in.extent(1);
  const Index blocks = (bins + lanes - 1) / lanes;
  context.parallel(frames.clips() * blocks, [&](Index i) {
    const Index clip = i / blocks;
    const Index first = i % blocks * lanes;
    const Index count = std::min(lanes, bins - first);
    const Index length = frames.length(clip);
    float* rows = scratch(0, length * lanes);
    float* medians = scratch(1, padded(length) * lanes);
    const Index begin = frames.begin(clip) * bins + first;
    for (Index t = 0; t < length; ++t) {
      const float* from = in.data() + begin + t * bins;
      std::copy_n(from, count, rows + t * lanes);
      std::fill_n(rows + t * lanes + count, lanes - count, 0.0F);
    }
    ON_VECTOR_PATH(median_rows)(rows, length, medians);
    for (Index t = 0; t < length; ++t) {
      std::copy_n(medians + t * lanes, count, out.data() + begin + t * bins);
    }
  });
}

}  // namespace

void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted) {
  const Index bins = magnitude.extent(1);
  const bool has_harmonic = wanted.harmonic.data() != nullptr;
  const bool has_percussive = wanted.percussive.data() != nullptr;
  if (bins == 0 || (!has_harmonic && !has_percussive)) return;
  const auto power = static_cast<float>(options.power.value_or(0));
  const bool split = options.harmonic_margin == 1 && options.percussive_margin == 1;
  const float of_zeros = split ? 0.5F : 0.0F;

  Lent over_time = context.lend(magnitude.shape());
  median_over_time(context, magnitude, frames, over_time.view());
  const float* lasting = over_time.view().data();
  for_each_frame_tile(context, frames, [&](Index clip, Index first, Index count) {
    const Index at = (frames.begin(clip) + first) * bins;
    float* tile = scratch(0, bins * lanes);
    float* short_ones = scratch(1, padded(bins) * lanes);
    float* long_ones = scratch(2, bins * lanes);
    float* mask = tile;
    load_tile(magnitude.data() + at, bins, count, bins, tile);
    ON_VECTOR_PATH(median_rows)(tile, bins, short_ones);
    load_tile(lasting + at, bins, count, bins, long_ones);
    if (has_harmonic) {
      ON_VECTOR_PATH(soft_mask)
      (long_ones, short_ones, bins * lanes, static_cast<float>(options.harmonic_margin), power,
       of_zeros, mask);
      store_tile(mask, bins, count, wanted.harmonic.data() + at, bins);
    }
    if (has_percussive) {
      ON_VECTOR_PATH(soft_mask)
      (short_ones, long_ones, bins * lanes, static_cast<float>(options.percussive_margin), power,
       of_zeros, mask);
      store_tile(mask, bins, count, wanted.percussive.data() + at, bins);
    }
  });
}

}  // namespace cpu
}  // namespace serenade
