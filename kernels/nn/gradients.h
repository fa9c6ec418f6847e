#pragma once

#include <span>

#include "kernels/device/context.h"

namespace serenade {

/// gradient += 2 l2 value: the gradient of the penalty l2 sum(value^2), as Keras' L2 regulariser
/// has it (the `weight_decay` of PyTorch's optimizers is 2 l2). Throws ShapeError where the shapes
/// differ.
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);

/// The root of the sum of the squares of all numbers. Squares are added in float64: eight chains in
/// each 32,768 numbers, the sums in order, whatever the number of threads.
double global_norm(Context&, std::span<const Tensor<float>> gradients);

/// Multiplies all gradients by limit / norm where their global norm is above the limit, so that
/// they keep their direction (Pascanu et al. 2013; Keras' global_clipnorm). Returns the norm as it
/// was; where that is NaN or infinite nothing is changed.
double clip_by_global_norm(Context&, double limit, std::span<const Tensor<float>> gradients);

namespace cpu {
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);
double global_norm(Context&, std::span<const Tensor<float>> gradients);
void scale(Context&, float factor, Tensor<float> values);
}  // namespace cpu

namespace cuda {
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);
double global_norm(Context&, std::span<const Tensor<float>> gradients);
void scale(Context&, float factor, Tensor<float> values);
}  // namespace cuda

}  // namespace serenade
