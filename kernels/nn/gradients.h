#pragma once

#include <span>

#include "kernels/device/context.h"

namespace serenade {

/// gradient += 2 l2 value: the gradient of the penalty l2 sum(value^2), as Keras' L2 regulariser
/// has it (the `weight_decay` of PyTorch's optimizers is 2 l2). Throws ShapeError where the shapes
/// differ.
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);

/// norm [1] = the root of the sum of the squares of all numbers, in float64. On the CPU squares are
/// added in eight chains in each 32,768 numbers, the sums in order, whatever the number of threads.
/// Throws ShapeError for another shape of norm.
void global_norm(Context&, std::span<const Tensor<float>> gradients, Tensor<double> norm);

/// Multiplies all gradients by limit / norm where their global norm is above the limit, so that
/// they keep their direction (Pascanu et al. 2013; Keras' global_clipnorm). norm [1] is what it was
/// before; where that is NaN or infinite nothing is changed. On a GPU nothing is waited for.
void clip_by_global_norm(Context&, double limit, std::span<const Tensor<float>> gradients,
                         Tensor<double> norm);

/// The same two, waited for: they return the norm.
double global_norm(Context&, std::span<const Tensor<float>> gradients);
double clip_by_global_norm(Context&, double limit, std::span<const Tensor<float>> gradients);

namespace cpu {
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);
void global_norm(Context&, std::span<const Tensor<float>> gradients, Tensor<double> norm);
void clip(Context&, double limit, std::span<const Tensor<float>> gradients,
          Tensor<const double> norm);
}  // namespace cpu

namespace cuda {
void add_l2_gradient(Context&, double l2, Tensor<const float> value, Tensor<float> gradient);
void global_norm(Context&, std::span<const Tensor<float>> gradients, Tensor<double> norm);
void clip(Context&, double limit, std::span<const Tensor<float>> gradients,
          Tensor<const double> norm);
}  // namespace cuda

}  // namespace serenade
