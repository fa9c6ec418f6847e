#include "pipeline/training/weight_update.h"

#include <algorithm>

#include "kernels/device/copy.h"
#include "kernels/nn/gradients.h"
#include "kernels/nn/optimizer.h"

namespace serenade {
namespace {

Array<float> copied(Tensor<const float> values) {
  Array<float> copy(values.shape());
  std::ranges::copy(values.span(), copy.data());
  return copy;
}

/// The network's tensors in the order of the average.
template <class Body>
void for_each_weight(Network& network, WeightState& state, const Body& body) {
  std::size_t i = 0;
  for (const Parameter& parameter : network.parameters()) body(parameter.value, state.average[i++]);
  for (const State& statistic : network.state()) body(statistic.value, state.average[i++]);
}

}  // namespace

WeightState::WeightState(const TrainingOptions& options, const Network& network) {
  for (const Parameter& parameter : network.parameters()) {
    first_moments.emplace_back(parameter.value.shape()).fill(0);
    second_moments.emplace_back(parameter.value.shape()).fill(0);
    if (options.ema) average.push_back(copied(parameter.value));
  }
  if (!options.ema) return;
  for (const State& statistic : network.state()) average.push_back(copied(statistic.value));
}

WeightState WeightState::on(Context& context) const {
  WeightState other;
  const auto place = [&](const std::vector<Array<float>>& from, std::vector<Array<float>>& to) {
    for (const Array<float>& array : from) to.emplace_back(array.shape(), context.device());
  };
  place(first_moments, other.first_moments);
  place(second_moments, other.second_moments);
  place(average, other.average);
  other.take(context, *this);
  return other;
}

void WeightState::take(Context& context, const WeightState& other) {
  const auto take_all = [&](const std::vector<Array<float>>& from, std::vector<Array<float>>& to) {
    for (std::size_t i = 0; i < to.size(); ++i) copy(context, from.at(i).view(), to[i].view());
  };
  take_all(other.first_moments, first_moments);
  take_all(other.second_moments, second_moments);
  take_all(other.average, average);
}

StepScalars step_scalars(const TrainingOptions& options, double learning_rate, std::int64_t step) {
  AdamwOptions adamw = options.optimizer.adamw;
  if (options.optimizer.name == OptimizerName::adam) adamw.weight_decay = 0;
  StepScalars scalars = options.optimizer.name == OptimizerName::sgd
                            ? sgd_step(learning_rate, step)
                            : adamw_step(adamw, learning_rate, step);
  if (options.ema) {
    const auto done = static_cast<double>(step);
    const double decay = std::min(*options.ema, (1 + done) / (10 + done));
    scalars.blend = static_cast<float>(1 - decay);
  }
  return scalars;
}

void update_weights(Context& context, const TrainingOptions& options, const CurrentStep& step,
                    Network& network, WeightState& state, Tensor<double> norm) {
  const auto& parameters = network.parameters();
  std::vector<Tensor<float>> gradients;
  std::vector<OptimizerSlot> slots;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    if (options.l2 > 0 && parameter.decay) {
      add_l2_gradient(context, options.l2, parameter.value, parameter.gradient);
    }
    gradients.push_back(parameter.gradient);
    slots.push_back({parameter.value, parameter.gradient, state.first_moments[i].view(),
                     state.second_moments[i].view(), parameter.decay});
  }
  Tensor<const double> found;
  if (options.clip_norm) {
    clip_by_global_norm(context, *options.clip_norm, gradients, norm);
    found = norm;
  }
  if (options.optimizer.name == OptimizerName::sgd) {
    sgd(context, options.optimizer.sgd, step, slots, found);
  } else {
    adamw(context, options.optimizer.adamw, step, slots, found);
  }
  if (!options.ema) return;
  std::vector<AverageSlot> averages;
  for_each_weight(network, state, [&](Tensor<float> value, Array<float>& average) {
    averages.push_back({value, average.view()});
  });
  moving_average(context, step, averages, found);
}

void swap_average(Network& network, WeightState& state) {
  if (state.average.empty()) return;
  for_each_weight(network, state, [](Tensor<float> value, Array<float>& average) {
    std::ranges::swap_ranges(value.span(), average.span());
  });
}

}  // namespace serenade
