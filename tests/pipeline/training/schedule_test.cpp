#include "pipeline/training/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/golden.h"

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

/// PyTorch's rates (tools/golden/torch_nn.py), stored as float32.
void expect_torch(const std::string& name, const ScheduleOptions& options, int steps_per_epoch,
                  int epochs) {
  const auto want = test::Golden("torch.h5")["schedule/" + name + "/rates"].values;
  ASSERT_GT(want.size(), 20U);
  const LearningRate rate(options, 0.5, steps_per_epoch, epochs);
  for (std::size_t step = 0; step < want.size(); ++step) {
    EXPECT_NEAR(rate.at(static_cast<std::int64_t>(step)), want[step], 1e-7)
        << name << ", step " << step;
  }
}

TEST(LearningRate, FollowsPyTorch) {
  ScheduleOptions options;
  options.name = ScheduleName::cosine;
  expect_torch("cosine", options, 10, 4);
  options.final_ratio = 0.1;
  expect_torch("cosine_final", options, 10, 4);
  options.final_ratio = 0;
  options.warmup_steps = 10;
  expect_torch("cosine_warm", options, 10, 4);
  options.warmup_steps = 0;
  options.warmup_epochs = 2;
  expect_torch("cosine_warm", options, 5, 8);
  options = {};
  options.name = ScheduleName::one_cycle;
  expect_torch("one_cycle", options, 10, 4);
  EXPECT_DOUBLE_EQ(LearningRate(options, 0.5, 10, 4).at(39), 0.5 / 25 / 1e4);
  options.pct_start = 0.1;
  options.div_factor = 10;
  options.final_div_factor = 100;
  expect_torch("one_cycle_options", options, 10, 3);
}

TEST(LearningRate, WarmsUpInFrontOfAnySchedule) {
  ScheduleOptions options = plateau(Monitor::val_loss, .5, 1, 0);
  options.warmup_steps = 3;
  LearningRate rate(options, 1, 2, 10);
  EXPECT_DOUBLE_EQ(rate.at(0), 0.25);
  EXPECT_DOUBLE_EQ(rate.at(2), 0.75);
  EXPECT_DOUBLE_EQ(rate.at(3), 1);
  rate.follow(1);
  rate.follow(1);
  EXPECT_DOUBLE_EQ(rate.at(19), 0.5);
  options.name = ScheduleName::one_cycle;
  // the cycle begins when the warm-up has come to its first rate
  EXPECT_NEAR(LearningRate(options, 1, 2, 10).at(1), 1.0 / 25 / 2, 1e-15);
  EXPECT_NEAR(LearningRate(options, 1, 2, 10).at(3), 1.0 / 25, 1e-15);
}

TEST(LearningRate, IsANumberHoweverShortTheTraining) {
  for (const auto name : {ScheduleName::constant, ScheduleName::cosine, ScheduleName::one_cycle}) {
    for (const double start : {0.0, 0.3, 0.5, 1.0}) {
      for (const int warmup : {0, 2}) {
        for (const int epochs : {1, 2, 3, 4}) {
          ScheduleOptions options;
          options.name = name;
          options.pct_start = start;
          options.warmup_steps = warmup;
          const LearningRate rate(options, 1, 1, epochs);
          for (int step = 0; step < epochs; ++step) {
            EXPECT_GE(rate.at(step), 0) << enum_name(name) << start << warmup << epochs;
            EXPECT_LE(rate.at(step), 1) << enum_name(name) << start << warmup << epochs;
          }
        }
      }
    }
  }
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
