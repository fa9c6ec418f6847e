#include "kernels/nn/channel_gate.h"

#include "kernels/device/columns.cuh"
#include "kernels/nn/elementary.h"

namespace serenade::cuda {
namespace {

/// One thread a number: 8 bytes and some twenty flops, the logistic function of its channel's logit
/// among them. (Keeping that for each channel would take a launch of its own, which costs more.)
/// Serves the backward pass too, where x is dy.
__global__ __launch_bounds__(most_threads) void gate_kernel(const float* x, const float* logits,
                                                            Index time, Index channels, Index size,
                                                            float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const Index item = place_of(at.row, time).row;
  y[i] = x[i] * logistic(logits[item * channels + at.column]);
}

/// A block has one item and 32 channels: 8 bytes and 2 flops a number.
__global__ __launch_bounds__(most_threads) void gate_logits_kernel(const float* x,
                                                                   const float* logits,
                                                                   const float* dy, Index time,
                                                                   Index channels, float* dlogits) {
  SERENADE_SHARED(float, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  float sum = 0;
  if (at.exists) {
    for (Index t = at.warp; t < time; t += at.warps) {
      const Index i = (at.item * time + t) * channels + at.column;
      sum = fmaf(x[i], dy[i], sum);
    }
  }
  sum = sum_of_warps(at, shared, sum);
  if (!at.exists || at.warp != 0) return;
  const Index i = at.item * channels + at.column;
  const float share = logistic(logits[i]);
  dlogits[i] = sum * (share * (1.0F - share));
}

}  // namespace

void channel_gate(Context& context, Tensor<const float> x, Tensor<const float> logits,
                  Tensor<float> y) {
  Session& session = context.session();
  launch<gate_kernel>(session, one_thread_each(session, x.size()), x.data(), logits.data(),
                      x.extent(1), x.extent(2), x.size(), y.data());
}

void channel_gate_backward(Context& context, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits) {
  Session& session = context.session();
  const Index time = x.extent(1);
  const Index channels = x.extent(2);
  // First, for dx may be dy.
  launch<gate_logits_kernel>(session, column_blocks(session, x.extent(0), channels), x.data(),
                             logits.data(), dy.data(), time, channels, dlogits.data());
  if (dx.data() == nullptr) return;
  launch<gate_kernel>(session, one_thread_each(session, x.size()), dy.data(), logits.data(), time,
                      channels, x.size(), dx.data());
}

}  // namespace serenade::cuda
