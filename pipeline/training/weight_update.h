#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/model/network.h"
#include "pipeline/training/options.h"

namespace serenade {

/// What a training's steps leave behind besides the weights: all that a checkpoint must hold of
/// them.
struct WeightState {
  WeightState(const TrainingOptions& options, const Network& network);

  std::vector<Array<float>> first_moments, second_moments;  ///< in the order of the parameters
  /// The moving average of the parameters and, after them, of the running statistics; empty without
  /// training.ema. Begins as the first weights.
  std::vector<Array<float>> average;
};

/// One step after a backward pass: the gradient of the L2 penalty, clipping by the global norm, the
/// optimizer and the moving average, in this order. `step` counts from 1. Returns the norm of the
/// gradients before clipping, 0 where they are not clipped; where it is NaN or infinite nothing but
/// the gradients has changed.
double update_weights(Context& context, const TrainingOptions& options, double learning_rate,
                      std::int64_t step, Network& network, WeightState& state);

/// Exchanges the network's weights and running statistics with their average; nothing without one.
void swap_average(Network& network, WeightState& state);

}  // namespace serenade
