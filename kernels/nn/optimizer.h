#pragma once

#include <cstdint>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

struct AdamOptions {
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("beta_1", self.beta_1, Range{0, 0.999999}, "decay of the mean of gradients");
    visit("beta_2", self.beta_2, Range{0, 0.99999999}, "decay of the mean of squared gradients");
    visit("epsilon", self.epsilon, Range{0, 1, true}, "added to the root of that mean");
  }
};

struct AdamwOptions {
  AdamOptions adam;
  double weight_decay = 0.004;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    AdamOptions::fields(self.adam, visit);
    visit("weight_decay", self.weight_decay, Range{0, 1},
          "share of a weight, times the learning rate, taken off each step");
  }
};

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("momentum", self.momentum, Range{0, 0.999999}, "sgd: share of the last step's velocity");
    visit("nesterov", self.nesterov, Range{}, "sgd: look one step of momentum ahead");
  }
};

/// One parameter as an optimizer sees it. All tensors have one shape; the moments begin as zeros
/// and belong to the optimizer's state.
struct OptimizerSlot {
  Tensor<float> value;
  Tensor<const float> gradient;
  Tensor<float> first_moment;
  Tensor<float> second_moment;
  bool decay = false;  ///< whether weight decay applies (AdamW)
};

/// One step of Adam (Kingma & Ba 2015, in the form of section 2 and of Keras: epsilon is added to
/// the root of the uncorrected second moment):
/// m += (1 - beta_1) (g - m); v += (1 - beta_2) (g^2 - v);
/// value -= learning_rate sqrt(1 - beta_2^step) / (1 - beta_1^step) m / (sqrt(v) + epsilon).
/// `step` counts from 1. Throws ShapeError where a slot's tensors differ in shape.
void adam(Context&, const AdamOptions&, double learning_rate, std::int64_t step,
          std::span<const OptimizerSlot> slots);

/// Adam with decoupled decay (Loshchilov & Hutter 2019, as Keras and PyTorch): slots with `decay`
/// first lose learning_rate weight_decay value.
void adamw(Context&, const AdamwOptions&, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots);

/// Stochastic gradient descent, with momentum as Keras has it: velocity = momentum velocity -
/// learning_rate g; value += velocity, or with nesterov value += momentum velocity - learning_rate
/// g. (PyTorch keeps the learning rate out of the velocity, which is the same while it does not
/// change.) The velocity is the slot's first moment; the second is not touched.
void sgd(Context&, const SgdOptions&, double learning_rate, std::span<const OptimizerSlot> slots);

/// average += (1 - decay) (value - average). Throws ShapeError where the shapes differ.
void moving_average(Context&, double decay, Tensor<const float> value, Tensor<float> average);

namespace cpu {
void sgd(Context&, const SgdOptions&, double learning_rate, std::span<const OptimizerSlot> slots);
void moving_average(Context&, double decay, Tensor<const float> value, Tensor<float> average);
void adamw(Context&, const AdamwOptions&, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots);
}  // namespace cpu

namespace cuda {
void sgd(Context&, const SgdOptions&, double learning_rate, std::span<const OptimizerSlot> slots);
void moving_average(Context&, double decay, Tensor<const float> value, Tensor<float> average);
void adamw(Context&, const AdamwOptions&, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots);
}  // namespace cuda

}  // namespace serenade
