#include "kernels/nn/dropout.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/random.h"

#define HWY_TARGET_INCLUDE "kernels/nn/dropout.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {

void dropout(Context& context, const DropoutOptions& options, const DropoutKey& key,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y) {
  check_ranges(options);
  if (x.rank() < 1) throw ShapeError("dropout: x has no batch");
  expect_shape("dropout", "y", y.shape(), x.shape());
  expect_shape("dropout", "utterances", utterances.shape(), Shape{x.extent(0)});
  expect_shape("dropout", "the step's index", key.step.index.shape(), Shape{1});
  expect_on_device("dropout", context, key.step.steps, key.step.index, utterances, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::dropout(context, options, key, utterances, x, y);
    }
  }
  cpu::dropout(context, options, key, utterances, x, y);
}

namespace cpu {

void dropout(Context& context, const DropoutOptions& options, const DropoutKey& key,
             Tensor<const std::uint32_t> utterances, Tensor<const float> x, Tensor<float> y) {
  constexpr Index block = 8192;  // divisible by the 4 words of a counter
  const Index batch = x.extent(0);
  if (batch == 0) return;
  const Index row = x.size() / batch, blocks = (row + block - 1) / block;
  const auto scale = static_cast<float>(1.0 / (1.0 - options.rate));
  const std::uint32_t threshold = dropout_threshold(options.rate);
  const std::uint32_t purpose = purpose_of(Purpose::dropout, key.layer);
  const std::uint32_t step = key.step.scalars().step;
  const auto drop = ON_VECTOR_PATH(drop);
  context.parallel(batch * blocks, [&](Index chunk) {
    const Index b = chunk / blocks, begin = chunk % blocks * block;
    drop(key.seed, utterances.data()[b], step, purpose, threshold, scale, begin,
         std::min(row, begin + block), x.data() + b * row, y.data() + b * row);
  });
}

}  // namespace cpu
}  // namespace serenade
