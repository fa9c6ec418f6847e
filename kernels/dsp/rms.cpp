#include "kernels/dsp/rms.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/device/checks.h"

namespace serenade {

void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out) {
  check(options);
  expect_signal("rms", signal, samples);
  expect_shape("rms", "out", out.shape(), Shape{frames_of(samples, options.hop_length).total(), 1});
  expect_on_device("rms", context, signal, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::rms(context, signal, samples, options, out);
  }
  cpu::rms(context, signal, samples, options, out);
}

namespace cpu {
namespace {

// Sum of squares in float64: sample i goes to sum i mod 8, the sums are added in one order.
double energy(const float* x, Index size) {
  constexpr Index ways = 8;
  std::array<double, ways> sums{};
  Index i = 0;
  for (; i + ways <= size; i += ways) {
    for (Index way = 0; way < ways; ++way) {
      const auto value = static_cast<double>(x[i + way]);
      sums[static_cast<std::size_t>(way)] =
          std::fma(value, value, sums[static_cast<std::size_t>(way)]);
    }
  }
  for (; i < size; ++i) {
    const auto value = static_cast<double>(x[i]);
    auto& sum = sums[static_cast<std::size_t>(i % ways)];
    sum = std::fma(value, value, sum);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

void rms(Context& context, Tensor<const float> signal, const Ragged& samples,
         const FrameOptions& options, Tensor<float> out) {
  const Ragged frames = frames_of(samples, options.hop_length);
  const Index half = options.frame_length / 2;
  // Frames begin and end on multiples of `block`, so the energy of a block is summed once and
  // frames add up blocks: with 2048 and 512, each sample is read once instead of four times.
  const Index block = std::gcd<Index, Index>(half, options.hop_length);
  context.parallel(samples.clips(), [&](Index clip) {
    const Index length = samples.length(clip);
    const float* x = signal.data() + samples.begin(clip);
    const Index blocks = (length + block - 1) / block;
    std::vector<double> energies(static_cast<std::size_t>(blocks));
    for (Index b = 0; b < blocks; ++b) {
      energies[static_cast<std::size_t>(b)] =
          energy(x + b * block, std::min(block, length - b * block));
    }
    float* to = out.data() + frames.begin(clip);
    for (Index t = 0; t < frames.length(clip); ++t) {
      const Index begin = (t * options.hop_length - half) / block;
      const Index end = (t * options.hop_length + half) / block;
      double sum = 0;
      for (Index b = std::max<Index>(begin, 0); b < std::min(end, blocks); ++b) {
        sum += energies[static_cast<std::size_t>(b)];
      }
      to[t] = static_cast<float>(std::sqrt(sum / options.frame_length));
    }
  });
}

}  // namespace cpu
}  // namespace serenade
