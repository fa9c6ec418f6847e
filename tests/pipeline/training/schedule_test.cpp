#include "pipeline/training/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace serenade {
namespace {

// Scripted histories with plateaus, ties, differences of exactly and about min_delta, and noise.
// What Keras makes of them is printed by tools/golden/keras_callbacks.py (Keras 3.15.1).
const std::vector<double> losses = {2,   1.5, 1.5, 1.49995, 1.4999, 1.4, 1.45, 1.5, 1.39, 1.38995,
                                    1.4, 1.4, 1.4, 1.4,     1.2,    1.3, 1.3,  1.3, 1.3,  1.3};
const std::vector<double> accuracies = {.1, .3, .3, .2, .35, .35, .35, .35, .36, .3,
                                        .3, .3, .3, .3, .3,  .4,  .4,  .4,  .4,  .4};

/// The learning rate after each epoch, starting from 1.
std::vector<float> rates(const ScheduleOptions& options) {
  PlateauSchedule schedule(options, 1.0);
  std::vector<float> rates;
  for (const double value : lower_is_better(options.monitor) ? losses : accuracies) {
    schedule.follow(value);
    rates.push_back(static_cast<float>(schedule.learning_rate()));
  }
  return rates;
}

ScheduleOptions plateau(Monitor monitor, double factor, int patience, double min_delta,
                        int cooldown = 0, double min_learning_rate = 0) {
  ScheduleOptions options;
  options.name = ScheduleName::reduce_on_plateau;
  options.monitor = monitor;
  options.factor = factor;
  options.patience = patience;
  options.min_delta = min_delta;
  options.cooldown = cooldown;
  options.min_learning_rate = min_learning_rate;
  return options;
}

TEST(PlateauSchedule, FollowsKeras) {
  EXPECT_THAT(rates(plateau(Monitor::val_loss, .5, 2, 1e-4)),
              testing::ElementsAre(1, 1, 1, .5, .5, .5, .5, .25, .25, .25, .125, .125, .0625, .0625,
                                   .0625, .0625, .03125, .03125, .015625, .015625));
  std::vector<float> expected(20, 0.1F);  // Keras keeps the rate as float32
  expected[0] = expected[1] = 1;
  expected[2] = expected[3] = .25F;
  EXPECT_EQ(rates(plateau(Monitor::val_loss, .25, 1, .02, 2, .1)), expected);
  EXPECT_THAT(rates(plateau(Monitor::val_accuracy, .5, 3, 0)),
              testing::ElementsAre(1, 1, 1, 1, 1, 1, 1, .5, .5, .5, .5, .25, .25, .25, .125, .125,
                                   .125, .125, .0625, .0625));
  EXPECT_THAT(
      rates(plateau(Monitor::val_accuracy, .5, 0, .05, 1, .03125)),
      testing::ElementsAre(1, 1, .5, .25, .125, .0625, .03125, .03125, .03125, .03125, .03125,
                           .03125, .03125, .03125, .03125, .03125, .03125, .03125, .03125, .03125));
}

/// The epoch, from 1, after which training ends; 0 for none.
int stop(Monitor monitor, int patience, double min_delta = 0) {
  EarlyStoppingOptions options;
  options.monitor = monitor;
  options.patience = patience;
  options.min_delta = min_delta;
  EarlyStopping stopping(options);
  int epoch = 0;
  for (const double value : lower_is_better(monitor) ? losses : accuracies) {
    ++epoch;
    if (stopping.follow(value)) return epoch;
  }
  return 0;
}

TEST(EarlyStopping, FollowsKeras) {
  EXPECT_EQ(stop(Monitor::loss, 2), 8);
  EXPECT_EQ(stop(Monitor::loss, 2, .2), 4);
  EXPECT_EQ(stop(Monitor::val_loss, 5), 20);
  EXPECT_EQ(stop(Monitor::val_loss, 3, .00005), 12);
  EXPECT_EQ(stop(Monitor::val_accuracy, 0), 3);
  EXPECT_EQ(stop(Monitor::val_accuracy, 4), 13);
  EXPECT_EQ(stop(Monitor::val_uar, 3, .02), 8);
  EXPECT_EQ(stop(Monitor::uar, 7), 0);
}

TEST(Schedules, GoOnFromTheirState) {
  const ScheduleOptions options = plateau(Monitor::val_loss, .5, 2, 1e-4, 1);
  EarlyStoppingOptions stopping_options;
  stopping_options.patience = 5;
  for (std::size_t cut = 0; cut < losses.size(); ++cut) {
    PlateauSchedule straight(options, 1), first(options, 1), second(options, 7);
    EarlyStopping straight_stop(stopping_options), first_stop(stopping_options),
        second_stop(stopping_options);
    for (std::size_t i = 0; i < losses.size(); ++i) {
      if (i == cut) {
        second.restore(first.state());
        second_stop.restore(first_stop.state());
      }
      straight.follow(losses[i]);
      (i < cut ? first : second).follow(losses[i]);
      const bool stops = straight_stop.follow(losses[i]);
      EXPECT_EQ((i < cut ? first_stop : second_stop).follow(losses[i]), stops);
      EXPECT_EQ((i < cut ? first : second).learning_rate(), straight.learning_rate());
    }
  }
}

}  // namespace
}  // namespace serenade
