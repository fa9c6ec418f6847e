#include "pipeline/training/weight_update.h"

#include <algorithm>
#include <cmath>

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

double update_weights(Context& context, const TrainingOptions& options, double learning_rate,
                      std::int64_t step, Network& network, WeightState& state) {
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
  double norm = 0;
  if (options.clip_norm) {
    norm = clip_by_global_norm(context, *options.clip_norm, gradients);
    if (!std::isfinite(norm)) return norm;
  }
  switch (options.optimizer.name) {
    case OptimizerName::adam:
      adam(context, options.optimizer.adamw.adam, learning_rate, step, slots);
      break;
    case OptimizerName::adamw:
      adamw(context, options.optimizer.adamw, learning_rate, step, slots);
      break;
    case OptimizerName::sgd:
      sgd(context, options.optimizer.sgd, learning_rate, slots);
      break;
  }
  if (options.ema) {
    const auto done = static_cast<double>(step);
    const double decay = std::min(*options.ema, (1 + done) / (10 + done));
    for_each_weight(network, state, [&](Tensor<float> value, Array<float>& average) {
      moving_average(context, decay, value, average.view());
    });
  }
  return norm;
}

void swap_average(Network& network, WeightState& state) {
  if (state.average.empty()) return;
  for_each_weight(network, state, [](Tensor<float> value, Array<float>& average) {
    std::ranges::swap_ranges(value.span(), average.span());
  });
}

}  // namespace serenade
