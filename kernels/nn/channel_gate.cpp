#include "kernels/nn/channel_gate.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/elementary.h"

namespace serenade {
namespace {

void check(std::string_view operation, const Shape& x, const Shape& logits) {
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  expect_shape(operation, "logits", logits, Shape{x[0], x[2]});
}

}  // namespace

void channel_gate(Context& context, Tensor<const float> x, Tensor<const float> logits,
                  Tensor<float> y) {
  check("channel_gate", x.shape(), logits.shape());
  expect_shape("channel_gate", "y", y.shape(), x.shape());
  expect_on_device("channel_gate", context, x, logits, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::channel_gate(context, x, logits, y);
  }
  cpu::channel_gate(context, x, logits, y);
}

void channel_gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  constexpr std::string_view operation = "channel_gate_backward";
  check(operation, x.shape(), logits.shape());
  expect_shape(operation, "dy", dy.shape(), x.shape());
  if (dx.data() != nullptr) expect_shape(operation, "dx", dx.shape(), x.shape());
  expect_shape(operation, "dlogits", dlogits.shape(), logits.shape());
  expect_on_device(operation, context, x, logits, dy, dlogits);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::channel_gate_backward(context, x, logits, dy, dx, dlogits);
    }
  }
  cpu::channel_gate_backward(context, x, logits, dy, dx, dlogits);
}

namespace cpu {

void channel_gate(Context& context, Tensor<const float> x, Tensor<const float> logits,
                  Tensor<float> y) {
  const Index time = x.extent(1), channels = x.extent(2);
  float* shares = context.scratch(logits.size()).data();
  context.parallel(x.extent(0), [&](Index item) {
    float* __restrict share = shares + item * channels;
    for (Index c = 0; c < channels; ++c) share[c] = logistic(logits.data()[item * channels + c]);
    const float* from = x.data() + item * time * channels;
    float* to = y.data() + item * time * channels;
    for (Index t = 0; t < time; ++t, from += channels, to += channels) {
      for (Index c = 0; c < channels; ++c) to[c] = from[c] * share[c];
    }
  });
}

void channel_gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  const Index time = x.extent(1), channels = x.extent(2);
  float* shares = context.scratch(logits.size()).data();
  context.parallel(x.extent(0), [&](Index item) {
    float* __restrict share = shares + item * channels;
    for (Index c = 0; c < channels; ++c) share[c] = logistic(logits.data()[item * channels + c]);
    float* __restrict sum = dlogits.data() + item * channels;
    std::fill_n(sum, channels, 0.0F);
    const float* from = x.data() + item * time * channels;
    const float* gradient = dy.data() + item * time * channels;
    for (Index t = 0; t < time; ++t) {
      const float* value = from + t * channels;
      const float* at = gradient + t * channels;
      for (Index c = 0; c < channels; ++c) sum[c] = std::fma(value[c], at[c], sum[c]);
      if (dx.data() == nullptr) continue;
      float* to = dx.data() + (item * time + t) * channels;
      for (Index c = 0; c < channels; ++c) to[c] = at[c] * share[c];
    }
    for (Index c = 0; c < channels; ++c) sum[c] *= share[c] * (1.0F - share[c]);
  });
}

}  // namespace cpu
}  // namespace serenade
