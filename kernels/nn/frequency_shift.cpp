#include "kernels/nn/frequency_shift.h"

#include <string>

#include "kernels/device/checks.h"

namespace serenade {

void frequency_shift(Context& context, const FrequencyShift& how, const AugmentationKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  constexpr std::string_view operation = "frequency_shift";
  expect_rank(operation, "x", x.shape(), 3, "[rows, frames, dims]");
  expect_shape(operation, "y", y.shape(), x.shape());
  expect_shape(operation, "utterances", utterances.shape(), Shape{x.extent(0)});
  expect_shape(operation, "the step's index", key.step.index.shape(), Shape{1});
  if (how.bands < 0 || how.first < 0 || how.count < 0 || how.first + how.count > x.extent(2)) {
    throw ShapeError("frequency_shift: " + std::to_string(how.bands) + " bands of " +
                     std::to_string(how.count) + " columns from " + std::to_string(how.first) +
                     " where there are " + std::to_string(x.extent(2)));
  }
  if (x.size() > 0 && x.data() == y.data()) throw ShapeError("frequency_shift: y is x");
  expect_on_device(operation, context, key.step.steps, key.step.index, utterances, x, y);
  if (x.size() == 0) return;
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::frequency_shift(context, how, key, utterances, x, y);
    }
  }
  cpu::frequency_shift(context, how, key, utterances, x, y);
}

namespace cpu {

void frequency_shift(Context& context, const FrequencyShift& how, const AugmentationKey& key,
                     Tensor<const std::uint32_t> utterances, Tensor<const float> x,
                     Tensor<float> y) {
  const Index frames = x.extent(1), dims = x.extent(2);
  const Philox philox(key.seed);
  const std::uint32_t step = key.step.scalars().step;
  context.parallel(x.extent(0), [&](Index row) {
    const Index shift = drawn_shift(philox, utterances.data()[row], step, how.bands);
    for (Index frame = row * frames; frame < (row + 1) * frames; ++frame) {
      const float* from = x.data() + frame * dims;
      float* to = y.data() + frame * dims;
      for (Index d = 0; d < dims; ++d) to[d] = from[shifted_column(d, shift, how.first, how.count)];
    }
  });
}

}  // namespace cpu
}  // namespace serenade
