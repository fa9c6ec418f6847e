#include "kernels/nn/activation.h"

#include "kernels/device/launch.cuh"
#include "kernels/nn/activation_functions.h"

// One thread a number, neighbours side by side: 8 bytes forward, 12 backward and up to some forty
// flops, below what the memory lets through. (Recomputing the function in the backward pass costs
// less than reading what the forward pass could have kept.)
namespace serenade::cuda {
namespace {

template <class Function>
__global__ __launch_bounds__(most_threads) void activation_kernel(Function function, const float* x,
                                                                  Index size, float* y) {
  const Index i = global_index();
  if (i < size) y[i] = function.value(x[i]);
}

template <class Function>
__global__ __launch_bounds__(most_threads) void activation_backward_kernel(Function function,
                                                                           const float* x,
                                                                           const float* dy,
                                                                           Index size, float* dx) {
  const Index i = global_index();
  if (i < size) dx[i] = dy[i] * function.slope(x[i]);
}

__global__ __launch_bounds__(most_threads) void relu_kernel(const float* x, Index size, float* y) {
  const Index i = global_index();
  if (i < size) y[i] = above_0(x[i]);
}

__global__ __launch_bounds__(most_threads) void relu_backward_kernel(const float* y,
                                                                     const float* dy, Index size,
                                                                     float* dx) {
  const Index i = global_index();
  if (i < size) dx[i] = y[i] > 0.0F ? dy[i] : 0.0F;
}

}  // namespace

void activation(Context& context, const ActivationOptions& options, Tensor<const float> x,
                Tensor<float> y) {
  Session& session = context.session();
  with_function(options, [&](auto function) {
    launch<activation_kernel<decltype(function)>>(session, one_thread_each(session, x.size()),
                                                  function, x.data(), x.size(), y.data());
  });
}

void activation_backward(Context& context, const ActivationOptions& options, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx) {
  Session& session = context.session();
  with_function(options, [&](auto function) {
    launch<activation_backward_kernel<decltype(function)>>(
        session, one_thread_each(session, x.size()), function, x.data(), dy.data(), x.size(),
        dx.data());
  });
}

void relu(Context& context, Tensor<const float> x, Tensor<float> y) {
  Session& session = context.session();
  launch<relu_kernel>(session, one_thread_each(session, x.size()), x.data(), x.size(), y.data());
}

void relu_backward(Context& context, Tensor<const float> y, Tensor<const float> dy,
                   Tensor<float> dx) {
  Session& session = context.session();
  launch<relu_backward_kernel>(session, one_thread_each(session, y.size()), y.data(), dy.data(),
                               y.size(), dx.data());
}

}  // namespace serenade::cuda
