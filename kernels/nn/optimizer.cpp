#include "kernels/nn/optimizer.h"

#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/elementwise.h"

namespace serenade {

namespace {

void check_norm(std::string_view operation, const Context& context, const CurrentStep& step,
                Tensor<const double> norm) {
  expect_shape(operation, "the step's index", step.index.shape(), Shape{1});
  expect_on_device(operation, context, step.steps, step.index);
  if (norm.data() == nullptr) return;
  expect_shape(operation, "norm", norm.shape(), Shape{1});
  expect_on_device(operation, context, norm);
}

}  // namespace

StepScalars adamw_step(const AdamwOptions& options, double learning_rate, std::int64_t step) {
  if (step < 1) throw ShapeError("adam: steps count from 1, not " + std::to_string(step));
  const AdamOptions& adam = options.adam;
  const auto t = static_cast<double>(step);
  StepScalars scalars = sgd_step(learning_rate, step);
  scalars.rate = static_cast<float>(learning_rate * std::sqrt(1 - std::pow(adam.beta_2, t)) /
                                    (1 - std::pow(adam.beta_1, t)));
  scalars.decay = static_cast<float>(learning_rate * options.weight_decay);
  return scalars;
}

StepScalars sgd_step(double learning_rate, std::int64_t step) {
  StepScalars scalars;
  scalars.step = static_cast<std::uint32_t>(step - 1);
  scalars.rate = static_cast<float>(learning_rate);
  return scalars;
}

void adamw(Context& context, const AdamwOptions& options, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  check_ranges(options);
  check_norm("adam", context, step, norm);
  for (const OptimizerSlot& slot : slots) {
    expect_shape("adam", "gradient", slot.gradient.shape(), slot.value.shape());
    expect_shape("adam", "first_moment", slot.first_moment.shape(), slot.value.shape());
    expect_shape("adam", "second_moment", slot.second_moment.shape(), slot.value.shape());
    expect_on_device("adam", context, slot.value, slot.gradient, slot.first_moment,
                     slot.second_moment);
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::adamw(context, options, step, slots, norm);
    }
  }
  cpu::adamw(context, options, step, slots, norm);
}

void sgd(Context& context, const SgdOptions& options, const CurrentStep& step,
         std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  check_ranges(options);
  check_norm("sgd", context, step, norm);
  for (const OptimizerSlot& slot : slots) {
    expect_shape("sgd", "gradient", slot.gradient.shape(), slot.value.shape());
    expect_shape("sgd", "first_moment", slot.first_moment.shape(), slot.value.shape());
    expect_on_device("sgd", context, slot.value, slot.gradient, slot.first_moment);
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::sgd(context, options, step, slots, norm);
  }
  cpu::sgd(context, options, step, slots, norm);
}

void moving_average(Context& context, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm) {
  check_norm("moving_average", context, step, norm);
  for (const AverageSlot& slot : slots) {
    expect_shape("moving_average", "average", slot.average.shape(), slot.value.shape());
    expect_on_device("moving_average", context, slot.value, slot.average);
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::moving_average(context, step, slots, norm);
    }
  }
  cpu::moving_average(context, step, slots, norm);
}

void adam(Context& context, const AdamOptions& options, double learning_rate, std::int64_t step,
          std::span<const OptimizerSlot> slots) {
  adamw(context, AdamwOptions{options, 0.0}, learning_rate, step, slots);
}

void adamw(Context& context, const AdamwOptions& options, double learning_rate, std::int64_t step,
           std::span<const OptimizerSlot> slots) {
  check_ranges(options);
  const StepScalars scalars = adamw_step(options, learning_rate, step);
  const Steps one(context, {&scalars, 1});
  adamw(context, options, one.now(), slots);
}

void sgd(Context& context, const SgdOptions& options, double learning_rate,
         std::span<const OptimizerSlot> slots) {
  const StepScalars scalars = sgd_step(learning_rate, 1);
  const Steps one(context, {&scalars, 1});
  sgd(context, options, one.now(), slots);
}

void moving_average(Context& context, double decay, Tensor<const float> value,
                    Tensor<float> average) {
  StepScalars scalars;
  scalars.blend = static_cast<float>(1 - decay);
  const Steps one(context, {&scalars, 1});
  const AverageSlot slot{value, average};
  moving_average(context, one.now(), {&slot, 1});
}

namespace cpu {
namespace {

bool spoilt(Tensor<const double> norm) {
  return norm.data() != nullptr && !std::isfinite(norm.data()[0]);
}

}  // namespace

void sgd(Context& context, const SgdOptions& options, const CurrentStep& step,
         std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  if (spoilt(norm)) return;
  const float rate = step.scalars().rate;
  const auto momentum = static_cast<float>(options.momentum);
  const bool nesterov = options.nesterov;
  for (const OptimizerSlot& slot : slots) {
    parallel_ranges(context, slot.value.size(), element_share, [&](Index begin, Index end) {
      float* __restrict value = slot.value.data();
      const float* __restrict gradient = slot.gradient.data();
      float* __restrict velocity = slot.first_moment.data();
      for (Index i = begin; i < end; ++i) {
        const float way = rate * gradient[i];
        velocity[i] = std::fma(momentum, velocity[i], -way);
        const float ahead = std::fma(momentum, velocity[i], -way);
        value[i] += nesterov ? ahead : velocity[i];
      }
    });
  }
}

void moving_average(Context& context, const CurrentStep& step, std::span<const AverageSlot> slots,
                    Tensor<const double> norm) {
  if (spoilt(norm)) return;
  const float blend = step.scalars().blend;
  for (const AverageSlot& slot : slots) {
    parallel_ranges(context, slot.value.size(), element_share, [=](Index begin, Index end) {
      const float* from = slot.value.data();
      float* to = slot.average.data();
      for (Index i = begin; i < end; ++i) to[i] = std::fma(blend, from[i] - to[i], to[i]);
    });
  }
}

void adamw(Context& context, const AdamwOptions& options, const CurrentStep& step,
           std::span<const OptimizerSlot> slots, Tensor<const double> norm) {
  if (spoilt(norm)) return;
  const StepScalars& scalars = step.scalars();
  const float rate = scalars.rate;
  const auto blend_1 = static_cast<float>(1 - options.adam.beta_1);
  const auto blend_2 = static_cast<float>(1 - options.adam.beta_2);
  const auto epsilon = static_cast<float>(options.adam.epsilon);
  for (const OptimizerSlot& slot : slots) {
    const float decay = slot.decay ? scalars.decay : 0.0F;
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
