#pragma once

#include <cstdint>
#include <vector>

#include "kernels/nn/step.h"
#include "pipeline/model/network.h"
#include "pipeline/training/options.h"

namespace serenade {

/// What a training's steps leave behind besides the weights: all that a checkpoint must hold of
/// them.
struct WeightState {
  WeightState(const TrainingOptions& options, const Network& network);

  /// A copy on the context's device.
  WeightState on(Context& context) const;
  /// Takes over the numbers of one of the same network on any device.
  void take(Context& context, const WeightState& other);

  std::vector<Array<float>> first_moments, second_moments;  ///< in the order of the parameters
  /// The moving average of the parameters and, after them, of the running statistics; empty without
  /// training.ema. Begins as the first weights.
  std::vector<Array<float>> average;

 private:
  WeightState() = default;
};

/// What a step of such a training goes by: the optimizer's rate and the average's blend at this
/// learning rate. `step` counts from 1.
StepScalars step_scalars(const TrainingOptions& options, double learning_rate, std::int64_t step);

/// One step after a backward pass: the gradient of the L2 penalty, clipping by the global norm, the
/// optimizer and the moving average, in this order. norm [1] becomes the norm of the gradients
/// before clipping, or 0 where they are not clipped; where it is NaN or infinite nothing but the
/// gradients has changed. On a GPU nothing is waited for.
void update_weights(Context& context, const TrainingOptions& options, const CurrentStep& step,
                    Network& network, WeightState& state, Tensor<double> norm);

/// Exchanges the network's weights and running statistics with their average; nothing without one.
void swap_average(Network& network, WeightState& state);

}  // namespace serenade
