#include "kernels/dsp/hpss.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/dsp/hpss_tiles.h"

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

void hpss_tile(const HpssOptions& options, Index bins, const HpssRows& rows, const float* magnitude,
               float* work, float* harmonic, float* percussive) {
  const Index padded = padded_bins(bins);
  float* short_ones = work;
  float* over_time = short_ones + padded * lanes;
  float* lasting = over_time + padded * lanes;
  ON_VECTOR_PATH(median_rows)(magnitude, bins, short_ones);
  ON_VECTOR_PATH(median_of_rows)(rows.data(), padded, over_time);
  load_tile(over_time, padded, lanes, bins, lasting);

  const auto power = static_cast<float>(options.power.value_or(0));
  const bool split = options.harmonic_margin == 1 && options.percussive_margin == 1;
  const float of_zeros = split ? 0.5F : 0.0F;
  if (harmonic != nullptr) {
    ON_VECTOR_PATH(soft_mask)
    (lasting, short_ones, bins * lanes, static_cast<float>(options.harmonic_margin), power,
     of_zeros, harmonic);
  }
  if (percussive != nullptr) {
    ON_VECTOR_PATH(soft_mask)
    (short_ones, lasting, bins * lanes, static_cast<float>(options.percussive_margin), power,
     of_zeros, percussive);
  }
}

void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted) {
  const Index bins = magnitude.extent(1);
  const Index padded = padded_bins(bins);
  const bool has_harmonic = wanted.harmonic.data() != nullptr;
  const bool has_percussive = wanted.percussive.data() != nullptr;
  if (bins == 0 || (!has_harmonic && !has_percussive)) return;

  for_each_frame_tile(context, frames, [&](Index clip, Index first, Index count) {
    const float* of_clip = magnitude.data() + frames.begin(clip) * bins;
    const Index at = (frames.begin(clip) + first) * bins;
    float* tile = scratch(0, bins * lanes);
    float* work = scratch(1, hpss_work_size(bins));
    float* masks = scratch(2, 2 * bins * lanes);
    float* next = scratch(3, static_cast<Index>(HpssRows().size()) * padded);
    load_tile(magnitude.data() + at, bins, count, bins, tile);
    const HpssRows rows = hpss_rows(first / lanes, frames.length(clip), [&](Index frame) {
      float* row = std::exchange(next, next + padded);
      std::copy_n(of_clip + frame * bins, bins, row);
      std::fill_n(row + bins, padded - bins, 0.0F);
      return row;
    });
    float* harmonic = has_harmonic ? masks : nullptr;
    float* percussive = has_percussive ? masks + bins * lanes : nullptr;
    hpss_tile(options, bins, rows, tile, work, harmonic, percussive);
    const auto store = [&](const float* mask, Tensor<float> out) {
      if (mask != nullptr) store_tile(mask, bins, count, out.data() + at, bins);
    };
    store(harmonic, wanted.harmonic);
    store(percussive, wanted.percussive);
  });
}

}  // namespace cpu
}  // namespace serenade
