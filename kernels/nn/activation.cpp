#include "kernels/nn/activation.h"

#include "kernels/device/checks.h"
#include "kernels/nn/activation_functions.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void relu(Context& context, Tensor<const float> x, Tensor<float> y) {
  expect_shape("relu", "y", y.shape(), x.shape());
  expect_on_device("relu", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::relu(context, x, y);
  }
  cpu::relu(context, x, y);
}

void relu_backward(Context& context, Tensor<const float> y, Tensor<const float> dy,
                   Tensor<float> dx) {
  expect_shape("relu_backward", "dy", dy.shape(), y.shape());
  expect_shape("relu_backward", "dx", dx.shape(), y.shape());
  expect_on_device("relu_backward", context, y, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::relu_backward(context, y, dy, dx);
  }
  cpu::relu_backward(context, y, dy, dx);
}

void activation(Context& context, const ActivationOptions& options, Tensor<const float> x,
                Tensor<float> y) {
  std::visit([](const auto& known) { check_ranges(known); }, options);
  expect_shape("activation", "y", y.shape(), x.shape());
  expect_on_device("activation", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::activation(context, options, x, y);
  }
  cpu::activation(context, options, x, y);
}

void activation_backward(Context& context, const ActivationOptions& options, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx) {
  std::visit([](const auto& known) { check_ranges(known); }, options);
  expect_shape("activation_backward", "dy", dy.shape(), x.shape());
  expect_shape("activation_backward", "dx", dx.shape(), x.shape());
  expect_on_device("activation_backward", context, x, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::activation_backward(context, options, x, dy, dx);
    }
  }
  cpu::activation_backward(context, options, x, dy, dx);
}

namespace cpu {
void activation(Context& context, const ActivationOptions& options, Tensor<const float> x,
                Tensor<float> y) {
  with_function(options, [&](auto function) {
    parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
      const float* from = x.data();
      float* to = y.data();
      for (Index i = begin; i < end; ++i) to[i] = function.value(from[i]);
    });
  });
}

void activation_backward(Context& context, const ActivationOptions& options, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx) {
  with_function(options, [&](auto function) {
    parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
      const float* at = x.data();
      const float* from = dy.data();
      float* to = dx.data();
      for (Index i = begin; i < end; ++i) to[i] = from[i] * function.slope(at[i]);
    });
  });
}

void relu(Context& context, Tensor<const float> x, Tensor<float> y) {
  parallel_ranges(context, x.size(), element_share, [=](Index begin, Index end) {
    const float* from = x.data();
    float* to = y.data();
    for (Index i = begin; i < end; ++i) to[i] = above_0(from[i]);
  });
}

void relu_backward(Context& context, Tensor<const float> y, Tensor<const float> dy,
                   Tensor<float> dx) {
  parallel_ranges(context, y.size(), element_share, [=](Index begin, Index end) {
    const float* out = y.data();
    const float* from = dy.data();
    float* to = dx.data();
    for (Index i = begin; i < end; ++i) to[i] = out[i] > 0.0F ? from[i] : 0.0F;
  });
}

}  // namespace cpu
}  // namespace serenade
