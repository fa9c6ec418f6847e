#include "kernels/dsp/istft.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/lanes.h"

namespace serenade {

void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out) {
  expect_shape("istft", "spectrum", spectrum.shape(), Shape{frames.total(), plan.bins(), 2});
  expect_signal("istft", out, samples);
  if (frames.clips() != samples.clips()) {
    throw ShapeError("istft: frames of " + std::to_string(frames.clips()) +
                     " clips but samples of " + std::to_string(samples.clips()));
  }
  expect_on_device("istft", context, spectrum, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::istft(context, plan, spectrum, frames, samples, out);
    }
  }
  cpu::istft(context, plan, spectrum, frames, samples, out);
}

namespace cpu {

void inverse_frames(Context& context, const FftPlan& fft, Tensor<const float> spectrum,
                    Tensor<float> out) {
  const Index rows = out.extent(0), dims = 2 * fft.bins(), size = fft.n_fft();
  constexpr Index tiles_a_chunk = 2;
  const Index tiles = tiles_of(rows);
  context.parallel((tiles + tiles_a_chunk - 1) / tiles_a_chunk, [&](Index chunk) {
    float* in = scratch(0, dims * simd::lanes);
    double* work = scratch_double(fft.work_size());
    float* result = scratch(1, size * simd::lanes);
    for (Index tile = chunk * tiles_a_chunk; tile < std::min(tiles, (chunk + 1) * tiles_a_chunk);
         ++tile) {
      const Index first = tile * simd::lanes, count = std::min(simd::lanes, rows - first);
      load_tile(spectrum.data() + first * dims, dims, count, dims, in);
      fft_inverse_tile(fft, in, work, result);
      store_tile(result, size, count, out.data() + first * size, size);
    }
  });
}

void istft(Context& context, const StftPlan& plan, Tensor<const float> spectrum,
           const Ragged& frames, const Ragged& samples, Tensor<float> out) {
  const Index size = plan.options().n_fft, hop = plan.options().hop_length;
  Lent windowed = context.lend({frames.total(), size});
  inverse_frames(context, plan.fft(), spectrum, windowed.view());
  std::vector<double> squares;
  for (Index i = 0; i < size; ++i) {
    const double window = 2 * plan.fft().window()[i];
    squares.push_back(window * window);
  }

  // Blocks of samples, each from all the frames that reach into it, in their order.
  constexpr Index block_size = 512;
  Ragged blocks;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    blocks.append((samples.length(clip) + block_size - 1) / block_size);
  }
  context.parallel(blocks.total(), [&](Index block) {
    const auto after = std::upper_bound(blocks.offsets().begin(), blocks.offsets().end(), block);
    const Index clip = after - blocks.offsets().begin() - 1;
    const Index begin = (block - blocks.begin(clip)) * block_size;
    const Index end = std::min(samples.length(clip), begin + block_size);
    std::array<double, block_size> sum{}, weight{};
    // Frame t holds samples from t * hop - size / 2 on. Those that lie behind the end are not used,
    // as librosa's are not.
    const Index in_length = (samples.length(clip) + size + hop - 1) / hop;
    const Index count = std::min(frames.length(clip), in_length);
    const Index from = begin + size / 2, to = end + size / 2;
    const Index first = std::max<Index>(0, (from - size) / hop + (from >= size ? 1 : 0));
    for (Index t = first; t < std::min(count, (to + hop - 1) / hop); ++t) {
      const float* frame = std::as_const(windowed).view().data() + (frames.begin(clip) + t) * size;
      const Index low = std::max(from, t * hop), high = std::min(to, t * hop + size);
      for (Index i = low; i < high; ++i) {
        const auto at = static_cast<std::size_t>(i - from);
        sum[at] += static_cast<double>(frame[i - t * hop]);
        weight[at] += squares[static_cast<std::size_t>(i - t * hop)];
      }
    }
    float* y = out.data() + samples.begin(clip);
    for (Index i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i - begin);
      const bool covered = weight[at] > static_cast<double>(std::numeric_limits<float>::min());
      y[i] = static_cast<float>(covered ? sum[at] / weight[at] : sum[at]);
    }
  });
}

}  // namespace cpu
}  // namespace serenade
