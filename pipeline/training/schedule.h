#pragma once

#include <optional>

#include "pipeline/training/options.h"

namespace serenade {

/// Whether `value` beats the best so far by more than min_delta, as Keras 3 decides it; the first
/// value always does.
bool is_better(Monitor monitor, double value, std::optional<double> best, double min_delta);

/// The learning rate, lowered where the monitored number no longer gets better: the rules of Keras
/// 3's ReduceLROnPlateau, in float64. A constant schedule is one that is never told of an epoch.
class PlateauSchedule {
 public:
  /// Everything that changes, for a checkpoint.
  struct State {
    double learning_rate = 0;
    std::optional<double> best;
    int wait = 0;
    int cooldown = 0;
  };

  PlateauSchedule(const ScheduleOptions& options, double learning_rate)
      : options_(options), state_{learning_rate, {}, 0, 0} {}

  /// An epoch ended with this value of the monitored number.
  void follow(double value);
  double learning_rate() const { return state_.learning_rate; }

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  ScheduleOptions options_;
  State state_;
};

/// Says when to stop: the rules of Keras 3's EarlyStopping.
class EarlyStopping {
 public:
  struct State {
    std::optional<double> best;
    int wait = 0;
  };

  explicit EarlyStopping(const EarlyStoppingOptions& options) : options_(options) {}

  /// An epoch ended with this value of the monitored number; true when training is to end.
  bool follow(double value);

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

 private:
  EarlyStoppingOptions options_;
  State state_;
};

}  // namespace serenade
