#include "kernels/dsp/zero_crossing.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "kernels/device/checks.h"

namespace serenade {

void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out) {
  check(options);
  expect_signal("zero_crossing_rate", signal, samples);
  expect_shape("zero_crossing_rate", "out", out.shape(),
               Shape{frames_of(samples, options.hop_length).total(), 1});
  expect_on_device("zero_crossing_rate", context, signal, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::zero_crossing_rate(context, signal, samples, options, out);
    }
  }
  cpu::zero_crossing_rate(context, signal, samples, options, out);
}

namespace cpu {
namespace {

bool negative(float x) { return x < -1e-10F; }

/// Changes of sign from sample s - 1 to sample s, for s in [begin, end).
std::int32_t crossings(const float* x, Index begin, Index end) {
  std::int32_t count = 0;
  for (Index s = begin; s < end; ++s) count += negative(x[s]) != negative(x[s - 1]) ? 1 : 0;
  return count;
}

}  // namespace

void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out) {
  const Ragged frames = frames_of(samples, options.hop_length);
  const Index half = options.frame_length / 2;
  // Frames begin and end on multiples of `block`; each block is counted once.
  const Index block = std::gcd<Index, Index>(half, options.hop_length);
  context.parallel(samples.clips(), [&](Index clip) {
    const Index length = samples.length(clip);
    const float* x = signal.data() + samples.begin(clip);
    const Index blocks = (length + block - 1) / block;
    std::vector<std::int64_t> before(static_cast<std::size_t>(blocks) + 1);  // sums of blocks
    for (Index b = 0; b < blocks; ++b) {
      before[static_cast<std::size_t>(b) + 1] =
          before[static_cast<std::size_t>(b)] +
          crossings(x, std::max<Index>(b * block, 1), std::min(length, (b + 1) * block));
    }
    float* to = out.data() + frames.begin(clip);
    for (Index t = 0; t < frames.length(clip); ++t) {
      const Index start = t * options.hop_length - half;
      const auto first = static_cast<std::size_t>(std::max<Index>(start, 0) / block);
      const auto last =
          static_cast<std::size_t>(std::min((start + options.frame_length) / block, blocks));
      std::int64_t count = before[last] - before[first];
      // The copies of the end samples that continue the clip add no crossings. A frame's own first
      // sample never counts.
      if (start > 0) count -= crossings(x, start, start + 1);
      to[t] = static_cast<float>(static_cast<double>(count) / options.frame_length);
    }
  });
}

}  // namespace cpu
}  // namespace serenade
