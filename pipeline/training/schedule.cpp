#include "pipeline/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace serenade {

bool is_better(Monitor monitor, double value, std::optional<double> best, double min_delta) {
  if (!best) return true;
  return lower_is_better(monitor) ? value + min_delta < *best : value - min_delta > *best;
}

void PlateauSchedule::follow(double value) {
  if (state_.cooldown > 0) {
    --state_.cooldown;
    state_.wait = 0;
  }
  if (is_better(options_.monitor, value, state_.best, options_.min_delta)) {
    state_.best = value;
    state_.wait = 0;
    return;
  }
  if (state_.cooldown > 0) return;
  ++state_.wait;
  if (state_.wait < options_.patience || state_.learning_rate <= options_.min_learning_rate) return;
  state_.learning_rate =
      std::max(state_.learning_rate * options_.factor, options_.min_learning_rate);
  state_.cooldown = options_.cooldown;
  state_.wait = 0;
}

LearningRate::LearningRate(const ScheduleOptions& options, double learning_rate,
                           std::int64_t steps_per_epoch, int epochs)
    : options_(options),
      learning_rate_(learning_rate),
      warmup_(options.warmup_steps + options.warmup_epochs * steps_per_epoch),
      steps_(std::max<std::int64_t>(1, steps_per_epoch * epochs - warmup_)),
      plateau_(options, learning_rate) {}

double LearningRate::at(std::int64_t step) const {
  if (step >= warmup_) return main(step - warmup_);
  return main(0) * static_cast<double>(step + 1) / static_cast<double>(warmup_ + 1);
}

double LearningRate::main(std::int64_t step) const {
  // half a cosine from one rate to another
  const auto between = [](double from, double to, double share) {
    return to + (from - to) * (1 + std::cos(std::numbers::pi * share)) / 2;
  };
  const auto n = static_cast<double>(step), steps = static_cast<double>(steps_);
  switch (options_.name) {
    case ScheduleName::cosine:
      return between(learning_rate_, learning_rate_ * options_.final_ratio,
                     std::min(1.0, n / steps));
    case ScheduleName::one_cycle: {
      const double first = learning_rate_ / options_.div_factor;
      const double last = first / options_.final_div_factor;
      const double top = options_.pct_start * steps - 1, end = steps - 1;
      if (n <= top && top > 0) return between(first, learning_rate_, n / top);
      if (n >= end) return end > 0 || top < 0 ? last : learning_rate_;
      return between(learning_rate_, last, (n - top) / (end - top));
    }
    default:
      return plateau_.learning_rate();
  }
}

bool EarlyStopping::follow(double value) {
  ++state_.wait;
  if (is_better(options_.monitor, value, state_.best, options_.min_delta)) {
    state_.best = value;
    state_.wait = 0;
    return false;
  }
  return state_.wait >= options_.patience;
}

}  // namespace serenade
