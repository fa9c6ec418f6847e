#pragma once

#include <cstdint>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/step.h"

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

/// The numbers of Adam's step `step`, which counts from 1 (throws ShapeError for less): for
/// learning_rate sqrt(1 - beta_2^step) / (1 - beta_1^step) and learning_rate weight_decay.
StepScalars adamw_step(const AdamwOptions&, double learning_rate, std::int64_t step);
/// The same for stochastic gradient descent, to which all steps are alike.
StepScalars sgd_step(double learning_rate, std::int64_t step);

// Optimizers take their step by a view: it may lie on a GPU (see CurrentStep). Where `norm` [1] is
// not an empty view and holds NaN or infinity, they change nothing. They throw ShapeError where a
// slot's tensors differ in shape.

/// One step of Adam (Kingma & Ba 2015, in the form of section 2 and of Keras: epsilon is added to
/// the root of the uncorrected second moment) with decoupled decay (Loshchilov & Hutter 2019, as
/// Keras and PyTorch):
/// value -= learning_rate weight_decay value, for slots with `decay`;
/// m += (1 - beta_1) (g - m); v += (1 - beta_2) (g^2 - v);
/// value -= learning_rate sqrt(1 - beta_2^step) / (1 - beta_1^step) m / (sqrt(v) + epsilon).
void adamw(Context&, const AdamwOptions&, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm = {});

/// Stochastic gradient descent, with momentum as Keras has it: velocity = momentum velocity -
/// learning_rate g; value += velocity, or with nesterov value += momentum velocity - learning_rate
/// g. (PyTorch keeps the learning rate out of the velocity, which is the same while it does not
/// change.) The velocity is the slot's first moment; the second is not touched.
void sgd(Context&, const SgdOptions&, const CurrentStep& step, std::span<const OptimizerSlot> slots,
         Tensor<const double> norm = {});

/// A tensor and its moving average, of one shape.
struct AverageSlot {
  Tensor<const float> value;
  Tensor<float> average;
};

/// average += blend (value - average), with the step's blend.
void moving_average(Context&, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm = {});

// The same for a step by itself, given by its numbers.

void adam(Context&, const AdamOptions&, double learning_rate, std::int64_t step,
          std::span<const OptimizerSlot> slots);
void adamw(Context&, const AdamwOptions&, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots);
void sgd(Context&, const SgdOptions&, double learning_rate, std::span<const OptimizerSlot> slots);
/// With a blend of 1 - decay.
void moving_average(Context&, double decay, Tensor<const float> value, Tensor<float> average);

namespace cpu {
void adamw(Context&, const AdamwOptions&, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm);
void sgd(Context&, const SgdOptions&, const CurrentStep& step, std::span<const OptimizerSlot> slots,
         Tensor<const double> norm);
void moving_average(Context&, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm);
}  // namespace cpu

namespace cuda {
void adamw(Context&, const AdamwOptions&, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm);
void sgd(Context&, const SgdOptions&, const CurrentStep& step, std::span<const OptimizerSlot> slots,
         Tensor<const double> norm);
void moving_average(Context&, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm);
}  // namespace cuda

}  // namespace serenade
