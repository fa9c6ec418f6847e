#include "kernels/nn/gate.h"

#include "kernels/device/checks.h"
#include "kernels/nn/elementary.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void gate(Context& context, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y) {
  expect_shape("gate", "logits", logits.shape(), x.shape());
  expect_shape("gate", "y", y.shape(), x.shape());
  expect_on_device("gate", context, x, logits, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::gate(context, x, logits, y);
  }
  cpu::gate(context, x, logits, y);
}

void gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  constexpr std::string_view operation = "gate_backward";
  expect_shape(operation, "logits", logits.shape(), x.shape());
  expect_shape(operation, "dy", dy.shape(), x.shape());
  expect_shape(operation, "dx", dx.shape(), x.shape());
  expect_shape(operation, "dlogits", dlogits.shape(), x.shape());
  expect_on_device(operation, context, x, logits, dy, dx, dlogits);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::gate_backward(context, x, logits, dy, dx, dlogits);
    }
  }
  cpu::gate_backward(context, x, logits, dy, dx, dlogits);
}

namespace cpu {

void gate(Context& context, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y) {
  parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
    const float* from = x.data();
    const float* share = logits.data();
    float* to = y.data();
    for (Index i = begin; i < end; ++i) to[i] = from[i] * logistic(share[i]);
  });
}

void gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
    const float* from = x.data();
    const float* at = logits.data();
    const float* gradient = dy.data();
    float* to = dx.data();
    float* to_logits = dlogits.data();
    for (Index i = begin; i < end; ++i) {
      const float share = logistic(at[i]), slope = gradient[i];
      to[i] = slope * share;
      to_logits[i] = slope * from[i] * (share * (1.0F - share));
    }
  });
}

}  // namespace cpu
}  // namespace serenade
