#include "tests/kernels/nn/training_operation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/nn/step.h"
#include "tests/support/devices.h"

namespace serenade::test {
namespace {

class EveryTrainingOperation : public testing::TestWithParam<TrainingOperation> {};

TEST_P(EveryTrainingOperation, GivesTheCpusNumbersOnEveryDeviceAndTheSameBitsTwice) {
  Context cpu(2);
  const std::vector<double> wanted = GetParam().run(cpu);
  for (const Device device : all_devices()) {
    SCOPED_TRACE(to_string(device));
    Context context(device);
    const std::vector<double> found = GetParam().run(context);
    expect_close(GetParam(), wanted, found);
    EXPECT_TRUE(found == GetParam().run(context)) << "other bits the second time";
  }
}

INSTANTIATE_TEST_SUITE_P(Training, EveryTrainingOperation, testing::ValuesIn(training_operations()),
                         [](const auto& test) { return test.param.name; });

TEST(Steps, WhatANormSpoilsStaysAsItWas) {
  // The operation's own comparison is with the CPU: this is with the weights as they began.
  Context context;
  const auto all = training_operations();
  const auto named = [&](const std::string& name) {
    return *std::ranges::find(all, name, &TrainingOperation::name);
  };
  const auto spoilt = named("spoilt_by_nan").run(context);
  EXPECT_EQ(spoilt, named("spoilt_by_infinity").run(context));
  EXPECT_NE(spoilt, named("sgd").run(context));
}

TEST(FinishStep, RefusesMoreStepsThanTheRecordsHold) {
  Context context;
  Array<double> losses(Shape{1}), all_losses(Shape{1, 1}), norms(Shape{1});
  Array<float> logits(Shape{1, 2});
  Array<std::int32_t> classes(Shape{1, 1});
  const StepScalars scalars;
  Steps steps(context, {&scalars, 1});
  const StepRecords records{all_losses.view(), classes.view(), norms.view()};
  finish_step(context, losses.view(), logits.view(), {}, records, steps.index());
  EXPECT_THROW(finish_step(context, losses.view(), logits.view(), {}, records, steps.index()),
               ShapeError);
  Array<float> two(Shape{2, 2});
  Array<double> losses_of_two(Shape{2});
  EXPECT_THROW(finish_step(context, losses_of_two.view(), two.view(), {}, records, steps.index()),
               ShapeError);
}

}  // namespace
}  // namespace serenade::test
