#include "pipeline/training/schedule.h"

#include <algorithm>

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
