#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// y = a + b, any shape; y may be a or b. Throws ShapeError where the shapes differ.
void add(Context&, Tensor<const float> a, Tensor<const float> b, Tensor<float> y);

namespace cpu {
void add(Context&, Tensor<const float> a, Tensor<const float> b, Tensor<float> y);
}  // namespace cpu

namespace cuda {
void add(Context&, Tensor<const float> a, Tensor<const float> b, Tensor<float> y);
}  // namespace cuda

}  // namespace serenade
