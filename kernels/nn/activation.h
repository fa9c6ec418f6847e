#pragma once

#include <variant>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

struct ReluOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// y = x where x > 0, else negative_slope x (the default is PyTorch's; Keras' layer has 0.3).
struct LeakyReluOptions {
  double negative_slope = 0.01;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("negative_slope", self.negative_slope, Range{0, 1}, "what x below 0 is multiplied by");
  }
};

/// y = x where x > 0, else alpha (e^x - 1) (Clevert et al. 2016).
struct EluOptions {
  double alpha = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("alpha", self.alpha, Range{0, 1000}, "-alpha is what large negative x go to");
  }
};

/// y = x P(X <= x) with X normal: x (1 + erf(x / sqrt 2)) / 2, the exact form that is the default
/// of PyTorch and Keras (not the approximation by tanh).
struct GeluOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// y = x / (1 + e^-x), also called swish.
struct SiluOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// y = (e^2x - 1) / (e^2x + 1).
struct TanhOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

using ActivationOptions =
    std::variant<LeakyReluOptions, EluOptions, GeluOptions, SiluOptions, TanhOptions>;

/// y = max(x, 0), any shape; y may be x. Throws ShapeError where the shapes differ.
void relu(Context&, Tensor<const float> x, Tensor<float> y);

/// dx = dy where y > 0, else 0; dx may be dy.
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);

/// y = f(x), element by element, any shape; y may be x. Exponentials are our own
/// (kernels/nn/elementary.h): the same bits on every machine. Throws ShapeError where the shapes
/// differ.
void activation(Context&, const ActivationOptions&, Tensor<const float> x, Tensor<float> y);

/// dx = dy f'(x); dx may be dy.
void activation_backward(Context&, const ActivationOptions&, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx);

namespace cpu {
void relu(Context&, Tensor<const float> x, Tensor<float> y);
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);
void activation(Context&, const ActivationOptions&, Tensor<const float> x, Tensor<float> y);
void activation_backward(Context&, const ActivationOptions&, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx);
}  // namespace cpu

namespace cuda {
void relu(Context&, Tensor<const float> x, Tensor<float> y);
void relu_backward(Context&, Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx);
void activation(Context&, const ActivationOptions&, Tensor<const float> x, Tensor<float> y);
void activation_backward(Context&, const ActivationOptions&, Tensor<const float> x,
                         Tensor<const float> dy, Tensor<float> dx);
}  // namespace cuda

}  // namespace serenade
