#include "kernels/dsp/resample.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/frames.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/resample_tiles.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/resample.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

Ragged resampled(const Ragged& samples, int in_rate, int out_rate) {
  Ragged all;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    all.append(resampled_length(samples.length(clip), in_rate, out_rate));
  }
  return all;
}

void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out) {
  expect_signal("resample", signal, samples);
  expect_shape("resample", "out", out.shape(),
               Shape{resampled(samples, bank.in_rate(), bank.out_rate()).total()});
  expect_on_device("resample", context, signal, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda)
      return cuda::resample(context, bank, signal, samples, out);
  }
  cpu::resample(context, bank, signal, samples, out);
}

namespace cpu {
namespace {

constexpr Index eight = ResampleTiles::phases;

/// The outputs of `lanes` periods from period `block * lanes` on: y gets `count` of them.
void resample_block(const ResampleTiles& tiles, const float* x, Index length, Index block, float* y,
                    Index count) {
  // Rows of the block: a period's window each, overlapping those of the next.
  const Index begin = block * simd::lanes * tiles.period_in + tiles.first;
  const Index size = (simd::lanes - 1) * tiles.period_in + tiles.window;
  const float* rows = x + begin;
  if (begin < 0 || begin + size > length) {  // zeros on both sides
    float* padded = scratch(0, size);
    const Index from = std::clamp<Index>(-begin, 0, size);
    const Index to = std::clamp<Index>(length - begin, from, size);
    std::fill_n(padded, from, 0.0F);
    std::copy_n(x + begin + from, to - from, padded + from);
    std::fill_n(padded + to, size - to, 0.0F);
    rows = padded;
  }
  float* window = scratch(1, tiles.window * simd::lanes);
  load_tile(rows, tiles.period_in, simd::lanes, tiles.window, window);
  float* outputs = scratch(2, tiles.tiles() * eight * simd::lanes);
  for (Index tile = 0; tile < tiles.tiles(); ++tile) {
    ON_VECTOR_PATH(resample_eight)
    (tiles.tile_weights(tile),
     window + tiles.first_row[static_cast<std::size_t>(tile)] * simd::lanes, tiles.rows,
     outputs + tile * eight * simd::lanes);
  }
  const bool whole = count == simd::lanes * tiles.period_out;
  float* to = whole ? y : scratch(3, simd::lanes * tiles.period_out);
  store_tile(outputs, tiles.period_out, simd::lanes, to, tiles.period_out);
  if (!whole) std::copy_n(to, count, y);
}

/// The first `count` outputs by their own weights. The largest weights are those of the first
/// samples and are added last, so that little is rounded.
void resample_head(const ResampleBank& bank, const float* x, Index length, float* y, Index count) {
  const Index head = bank.head();
  std::vector<float> sums(static_cast<std::size_t>(head), 0.0F);
  for (Index i = std::min(bank.head_taps(), length) - 1; i >= 0; --i) {
    const float* weights = bank.head_weights().data() + i * head;
    for (Index n = 0; n < head; ++n) {
      float& sum = sums[static_cast<std::size_t>(n)];
      sum = std::fma(weights[n], x[i], sum);
    }
  }
  std::copy_n(sums.begin(), count, y);
}

}  // namespace

void resample(Context& context, const ResampleBank& bank, Tensor<const float> signal,
              const Ragged& samples, Tensor<float> out) {
  const ResampleTiles& tiles = bank.tiles();
  const Ragged lengths = resampled(samples, bank.in_rate(), bank.out_rate());
  const Index outputs_a_block = simd::lanes * tiles.period_out;
  Ragged blocks;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    blocks.append((lengths.length(clip) + outputs_a_block - 1) / outputs_a_block);
  }
  context.parallel(blocks.total(), [&](Index chunk) {
    const auto after = std::upper_bound(blocks.offsets().begin(), blocks.offsets().end(), chunk);
    const Index clip = after - blocks.offsets().begin() - 1;
    const Index block = chunk - blocks.begin(clip);
    const float* x = signal.data() + samples.begin(clip);
    const Index length = samples.length(clip);
    const Index first = block * outputs_a_block;
    float* y = out.data() + lengths.begin(clip) + first;
    const Index count = std::min(outputs_a_block, lengths.length(clip) - first);
    const Index given = soxr_length(length, bank.in_rate(), bank.out_rate());
    const Index sums = std::clamp<Index>(given - first, 0, count);
    if (sums > 0) resample_block(tiles, x, length, block, y, sums);
    std::fill_n(y + sums, count - sums, 0.0F);
    if (block == 0) resample_head(bank, x, length, y, std::min(bank.head(), sums));
  });
}

}  // namespace cpu
}  // namespace serenade
