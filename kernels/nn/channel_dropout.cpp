#include "kernels/nn/channel_dropout.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/random.h"

namespace serenade {

void channel_dropout(Context& context, const ChannelDropoutOptions& options, const DropoutKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  constexpr std::string_view operation = "channel_dropout";
  check_ranges(options);
  expect_rank(operation, "x", x.shape(), 3, "[batch, time, channels]");
  expect_shape(operation, "y", y.shape(), x.shape());
  expect_shape(operation, "utterances", utterances.shape(), Shape{x.extent(0)});
  expect_shape(operation, "the step's index", key.step.index.shape(), Shape{1});
  expect_on_device(operation, context, key.step.steps, key.step.index, utterances, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::channel_dropout(context, options, key, utterances, x, y);
    }
  }
  cpu::channel_dropout(context, options, key, utterances, x, y);
}

namespace cpu {

void channel_dropout(Context& context, const ChannelDropoutOptions& options, const DropoutKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  constexpr Index long_enough = 512;
  const Index channels = x.extent(2), row = x.extent(1) * channels;
  if (x.size() == 0) return;
  // Some steps' factors end to end: a loop over a few channels is mostly its own beginning and end.
  const Index pattern = (long_enough + channels - 1) / channels * channels;
  const auto scale = static_cast<float>(1.0 / (1.0 - options.rate));
  const std::uint32_t threshold = dropout_threshold(options.rate);
  const Philox philox(key.seed);
  const std::uint32_t purpose = purpose_of(Purpose::dropout, key.layer);
  const std::uint32_t step = key.step.scalars().step;
  float* factors = context.scratch(x.extent(0) * pattern).data();
  context.parallel(x.extent(0), [&](Index item) {
    float* factor = factors + item * pattern;
    for_each_word(
        philox, utterances.data()[item], step, purpose, 0, channels,
        [=](Index c, std::uint32_t word) { factor[c] = word >> 8U >= threshold ? scale : 0.0F; });
    for (Index i = channels; i < pattern; ++i) factor[i] = factor[i - channels];
    const float* from = x.data() + item * row;
    float* to = y.data() + item * row;
    for (Index begin = 0; begin < row; begin += pattern) {
      const Index count = std::min(pattern, row - begin);
      for (Index i = 0; i < count; ++i) to[begin + i] = from[begin + i] * factor[i];
    }
  });
}

}  // namespace cpu
}  // namespace serenade
