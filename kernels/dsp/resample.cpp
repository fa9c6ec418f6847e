#include "kernels/dsp/resample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
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

/// Periods that are computed at a time: two vectors of them share what is loaded of the weights.
constexpr Index blocks_together = 2;

/// Rows of a block of `lanes` periods: a period's window each, overlapping those of the next.
/// Written to window [tiles.window, lanes].
void load_block(const ResampleTiles& tiles, const float* x, Index length, Index block,
                float* window) {
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
  load_tile(rows, tiles.period_in, simd::lanes, tiles.window, window);
}

/// The outputs of `blocks_together` blocks of `lanes` periods from block `first` on: y gets `count`
/// of them.
void resample_blocks(const ResampleTiles& tiles, const float* x, Index length, Index first,
                     float* y, Index count) {
  const Index block_size = simd::lanes * tiles.period_out;
  const Index needed = (count + block_size - 1) / block_size;
  std::array<const float*, blocks_together> windows{};
  std::array<float*, blocks_together> outputs{};
  const Index window_size = tiles.window * simd::lanes;
  const Index output_size = tiles.tiles() * eight * simd::lanes;
  float* window = scratch(1, blocks_together * window_size);
  float* output = scratch(2, blocks_together * output_size);
  for (Index i = 0; i < blocks_together; ++i) {
    const Index mine = std::min(i, needed - 1);
    if (mine == i) load_block(tiles, x, length, first + i, window + i * window_size);
    windows[static_cast<std::size_t>(i)] = window + mine * window_size;
    outputs[static_cast<std::size_t>(i)] = output + mine * output_size;
  }
  for (Index tile = 0; tile < tiles.tiles(); ++tile) {
    const Index row = tiles.first_row[static_cast<std::size_t>(tile)] * simd::lanes;
    const Index to = tile * eight * simd::lanes;
    ON_VECTOR_PATH(resample_eight)
    (tiles.tile_weights(tile), windows[0] + row, windows[1] + row, tiles.rows, outputs[0] + to,
     outputs[1] + to);
  }
  for (Index i = 0; i < needed; ++i) {
    const Index left = std::min(block_size, count - i * block_size);
    float* to = left == block_size ? y + i * block_size : scratch(3, block_size);
    store_tile(outputs[static_cast<std::size_t>(i)], tiles.period_out, simd::lanes, to,
               tiles.period_out);
    if (left < block_size) std::copy_n(to, left, y + i * block_size);
  }
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
  const Index outputs_a_chunk = blocks_together * simd::lanes * tiles.period_out;
  Ragged chunks;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    chunks.append((lengths.length(clip) + outputs_a_chunk - 1) / outputs_a_chunk);
  }
  context.parallel(chunks.total(), [&](Index chunk) {
    const auto after = std::upper_bound(chunks.offsets().begin(), chunks.offsets().end(), chunk);
    const Index clip = after - chunks.offsets().begin() - 1;
    const Index block = blocks_together * (chunk - chunks.begin(clip));
    const float* x = signal.data() + samples.begin(clip);
    const Index length = samples.length(clip);
    const Index first = block * simd::lanes * tiles.period_out;
    float* y = out.data() + lengths.begin(clip) + first;
    const Index count = std::min(outputs_a_chunk, lengths.length(clip) - first);
    const Index given = soxr_length(length, bank.in_rate(), bank.out_rate());
    const Index sums = std::clamp<Index>(given - first, 0, count);
    if (sums > 0) resample_blocks(tiles, x, length, block, y, sums);
    std::fill_n(y + sums, count - sums, 0.0F);
    if (block == 0) resample_head(bank, x, length, y, std::min(bank.head(), sums));
  });
}

}  // namespace cpu
}  // namespace serenade
