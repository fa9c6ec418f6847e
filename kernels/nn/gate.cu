#include "kernels/nn/gate.h"

#include "kernels/device/launch.cuh"
#include "kernels/nn/elementary.h"

namespace serenade::cuda {
namespace {

/// One thread a number: 12 bytes, some twenty flops.
__global__ __launch_bounds__(most_threads) void sigmoid_gate_kernel(const float* x,
                                                                    const float* logits, Index size,
                                                                    float* y) {
  const Index i = global_index();
  if (i < size) y[i] = x[i] * logistic(logits[i]);
}

/// One thread a number: 20 bytes, some twenty flops. The share is computed again: it would take 4
/// bytes a number to keep and 4 to read.
__global__ __launch_bounds__(most_threads) void sigmoid_gate_backward_kernel(
    const float* x, const float* logits, const float* dy, Index size, float* dx, float* dlogits) {
  const Index i = global_index();
  if (i >= size) return;
  const float share = logistic(logits[i]);
  const float slope = dy[i];
  dx[i] = slope * share;
  dlogits[i] = slope * x[i] * (share * (1.0F - share));
}

}  // namespace

void gate(Context& context, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y) {
  Session& session = context.session();
  launch<sigmoid_gate_kernel>(session, one_thread_each(session, x.size()), x.data(), logits.data(),
                              x.size(), y.data());
}

void gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  Session& session = context.session();
  launch<sigmoid_gate_backward_kernel>(session, one_thread_each(session, x.size()), x.data(),
                                       logits.data(), dy.data(), x.size(), dx.data(),
                                       dlogits.data());
}

}  // namespace serenade::cuda
