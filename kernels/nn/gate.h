#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// y = x / (1 + e^-logits), element by element, any shape: every number let through by a share of
/// its own. y may be x. Throws ShapeError where the shapes differ.
void gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);

/// dx and dlogits, overwritten; either may be dy, but not both.
void gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);

namespace cpu {
void gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);
void gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);
}  // namespace cpu

namespace cuda {
void gate(Context&, Tensor<const float> x, Tensor<const float> logits, Tensor<float> y);
void gate_backward(Context&, Tensor<const float> x, Tensor<const float> logits,
                   Tensor<const float> dy, Tensor<float> dx, Tensor<float> dlogits);
}  // namespace cuda

}  // namespace serenade
