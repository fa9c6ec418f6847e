#include "kernels/nn/optimizer.h"

#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

void adam(Context& context, const AdamOptions& options, double learning_rate, std::int64_t step,
          std::span<const OptimizerSlot> slots) {
  adamw(context, AdamwOptions{options, 0.0}, learning_rate, step, slots);
}

void adamw(Context& context, const AdamwOptions& options, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots) {
  check_ranges(options);
  if (step < 1) throw ShapeError("adam: steps count from 1, not " + std::to_string(step));
  for (const OptimizerSlot& slot : slots) {
    expect_shape("adam", "gradient", slot.gradient.shape(), slot.value.shape());
    expect_shape("adam", "first_moment", slot.first_moment.shape(), slot.value.shape());
    expect_shape("adam", "second_moment", slot.second_moment.shape(), slot.value.shape());
    expect_on_device("adam", context, slot.value, slot.gradient, slot.first_moment,
                     slot.second_moment);
  }
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) {
      return cuda::adamw(context, options, learning_rate, step, slots);
    }
  }
  cpu::adamw(context, options, learning_rate, step, slots);
}

void sgd(Context& context, const SgdOptions& options, double learning_rate,
         std::span<const OptimizerSlot> slots) {
  check_ranges(options);
  for (const OptimizerSlot& slot : slots) {
    expect_shape("sgd", "gradient", slot.gradient.shape(), slot.value.shape());
    expect_shape("sgd", "first_moment", slot.first_moment.shape(), slot.value.shape());
    expect_on_device("sgd", context, slot.value, slot.gradient, slot.first_moment);
  }
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) return cuda::sgd(context, options, learning_rate, slots);
  }
  cpu::sgd(context, options, learning_rate, slots);
}

void moving_average(Context& context, double decay, Tensor<const float> value,
                    Tensor<float> average) {
  expect_shape("moving_average", "average", average.shape(), value.shape());
  expect_on_device("moving_average", context, value, average);
  if constexpr (has_cuda_networks) {
    if (context.device() == Device::cuda) {
      return cuda::moving_average(context, decay, value, average);
    }
  }
  cpu::moving_average(context, decay, value, average);
}

namespace cpu {

void sgd(Context& context, const SgdOptions& options, double learning_rate,
         std::span<const OptimizerSlot> slots) {
  const auto rate = static_cast<float>(learning_rate);
  const auto momentum = static_cast<float>(options.momentum);
  const bool nesterov = options.nesterov;
  for (const OptimizerSlot& slot : slots) {
    parallel_ranges(context, slot.value.size(), element_share, [&](Index begin, Index end) {
      float* __restrict value = slot.value.data();
      const float* __restrict gradient = slot.gradient.data();
      float* __restrict velocity = slot.first_moment.data();
      for (Index i = begin; i < end; ++i) {
        const float step = rate * gradient[i];
        velocity[i] = std::fma(momentum, velocity[i], -step);
        const float ahead = std::fma(momentum, velocity[i], -step);
        value[i] += nesterov ? ahead : velocity[i];
      }
    });
  }
}

void moving_average(Context& context, double decay, Tensor<const float> value,
                    Tensor<float> average) {
  const auto blend = static_cast<float>(1 - decay);
  parallel_ranges(context, value.size(), element_share, [=](Index begin, Index end) {
    const float* from = value.data();
    float* to = average.data();
    for (Index i = begin; i < end; ++i) to[i] = std::fma(blend, from[i] - to[i], to[i]);
  });
}

void adamw(Context& context, const AdamwOptions& options, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots) {
  const AdamOptions& adam = options.adam;
  const auto t = static_cast<double>(step);
  const auto rate = static_cast<float>(learning_rate * std::sqrt(1 - std::pow(adam.beta_2, t)) /
                                       (1 - std::pow(adam.beta_1, t)));
  const auto blend_1 = static_cast<float>(1 - adam.beta_1);
  const auto blend_2 = static_cast<float>(1 - adam.beta_2);
  const auto epsilon = static_cast<float>(adam.epsilon);
  for (const OptimizerSlot& slot : slots) {
    const float decay =
        slot.decay ? static_cast<float>(learning_rate * options.weight_decay) : 0.0F;
    parallel_ranges(context, slot.value.size(), element_share, [&](Index begin, Index end) {
      float* __restrict value = slot.value.data();
      const float* __restrict gradient = slot.gradient.data();
      float* __restrict m = slot.first_moment.data();
      float* __restrict v = slot.second_moment.data();
      for (Index i = begin; i < end; ++i) {
        const float g = gradient[i];
        m[i] = std::fma(blend_1, g - m[i], m[i]);
        v[i] = std::fma(blend_2, std::fma(g, g, -v[i]), v[i]);
        const float kept = std::fma(-decay, value[i], value[i]);
        value[i] = kept - rate * m[i] / (std::sqrt(v[i]) + epsilon);
      }
    });
  }
}

}  // namespace cpu
}  // namespace serenade
