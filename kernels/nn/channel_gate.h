#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// y[b, t, c] = x[b, t, c] / (1 + e^-logits[b, c]): every channel of an item let through by a share
/// of its own, the excitation of Hu et al. 2018.
/// x, y [batch, time, channels], logits [batch, channels]. y may be x. Throws ShapeError where
/// these do not fit.
void channel_gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);

/// dx [batch, time, channels] and dlogits [batch, channels], overwritten; sums over time run in
/// ascending order. dx may be dy, or an empty view where it is not wanted.
void channel_gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);

namespace cpu {
void channel_gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);
void channel_gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);
}  // namespace cpu

namespace cuda {
void channel_gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);
void channel_gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                           Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);
}  // namespace cuda

}  // namespace serenade
