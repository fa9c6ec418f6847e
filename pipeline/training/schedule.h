#pragma once

#include <cstdint>
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

/// The learning rate of every step, warm-up included. With T steps in all and W of them warm-up,
/// N = T - W, and with r the learning rate, step s (from 0) has
///   s < W:      (s + 1) / (W + 1) of what the schedule begins with, so that step W has it whole
///               (PyTorch's LinearLR with start_factor 1 / (W + 1));
/// and then, for n = s - W,
///   constant, reduce_on_plateau: r, as reduced so far;
///   cosine:     r (final_ratio + (1 - final_ratio) (1 + cos(pi n / N)) / 2): Keras' CosineDecay
///               and PyTorch's CosineAnnealingLR with T_max = N;
///   one_cycle:  PyTorch's OneCycleLR with total_steps = N: half a cosine from r / div_factor up to
///               r at n = pct_start N - 1, and another down to r / div_factor / final_div_factor at
///               n = N - 1.
class LearningRate {
 public:
  LearningRate(const ScheduleOptions& options, double learning_rate, std::int64_t steps_per_epoch,
               int epochs);

  double at(std::int64_t step) const;
  /// An epoch ended with this value of the monitored number; only reduce_on_plateau listens.
  void follow(double value) { plateau_.follow(value); }

  /// All that changes: the rest is a function of the step.
  const PlateauSchedule::State& state() const { return plateau_.state(); }
  void restore(const PlateauSchedule::State& state) { plateau_.restore(state); }

 private:
  double main(std::int64_t step) const;

  ScheduleOptions options_;
  double learning_rate_;
  std::int64_t warmup_, steps_;  // W and N, at least 1
  PlateauSchedule plateau_;
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
