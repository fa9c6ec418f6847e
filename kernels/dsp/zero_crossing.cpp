#include "kernels/dsp/zero_crossing.h"

#include <algorithm>
#include <cstdint>
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

void zero_crossing_rate(Context& context, Tensor<const float> signal, const Ragged& samples,
                        const FrameOptions& options, Tensor<float> out) {
  const Ragged frames = frames_of(samples, options.hop_length);
  const Index half = options.frame_length / 2;
  context.parallel(samples.clips(), [&](Index clip) {
    const Index length = samples.length(clip);
    if (length == 0) return;
    const float* x = signal.data() + samples.begin(clip);
    // crossings[s]: changes of sign from sample 0 up to sample s. Copies of the end samples, with
    // which the signal is continued, add none.
    std::vector<std::int64_t> crossings(static_cast<std::size_t>(length));
    bool before = x[0] < -1e-10F;
    for (Index s = 0; s < length; ++s) {
      const bool negative = x[s] < -1e-10F;
      crossings[static_cast<std::size_t>(s)] =
          (s > 0 ? crossings[static_cast<std::size_t>(s - 1)] : 0) + (negative != before ? 1 : 0);
      before = negative;
    }
    float* to = out.data() + frames.begin(clip);
    for (Index t = 0; t < frames.length(clip); ++t) {
      const Index centre = t * options.hop_length;
      const auto first = static_cast<std::size_t>(std::clamp<Index>(centre - half, 0, length - 1));
      const auto last =
          static_cast<std::size_t>(std::clamp<Index>(centre + half - 1, 0, length - 1));
      to[t] = static_cast<float>(static_cast<double>(crossings[last] - crossings[first]) /
                                 options.frame_length);
    }
  });
}

}  // namespace cpu
}  // namespace serenade
