#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

struct ReluOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// y = max(x, 0), any shape; y may be x. Throws ShapeError where the shapes differ.
void relu(Context&, Tensor<const float> x, Tensor<float> y);

/// dx = dy where y > 0, else 0; dx may be dy.
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);

namespace cpu {
void relu(Context&, Tensor<const float> x, Tensor<float> y);
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);
}  // namespace cpu

namespace cuda {
void relu(Context&, Tensor<const float> x, Tensor<float> y);
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);
}  // namespace cuda

}  // namespace serenade
