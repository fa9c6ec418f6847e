#include "pipeline/training/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/device/error.h"
#include "pipeline/config/yaml.h"

namespace serenade {
namespace {

TrainingOptions read(const std::string& text) {
  TrainingOptions options;
  read_options(ConfigNode::parse(text, "c.yaml"), options);
  return options;
}

std::string complaint(const std::string& text, bool has_validation) {
  try {
    check(read(text), has_validation);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no complaint";
}

TEST(TrainingOptions, ReadWhatTheyPrint) {
  const TrainingOptions options = read(
      "epochs: 7\nbatch_size: 5\n"
      "optimizer: {name: adamw, learning_rate: 0.01, beta_1: 0.8, weight_decay: 0.1}\n"
      "schedule: {name: reduce_on_plateau, monitor: uar, factor: 0.5}\n"
      "checkpoint: {keep: last}\nearly_stopping: {patience: 3}\n");
  EXPECT_EQ(options.optimizer.name, OptimizerName::adamw);
  EXPECT_EQ(options.optimizer.adamw.adam.beta_1, 0.8);
  EXPECT_EQ(options.optimizer.adamw.weight_decay, 0.1);
  EXPECT_EQ(options.schedule.monitor, Monitor::uar);
  ASSERT_TRUE(options.early_stopping);
  EXPECT_EQ(options.early_stopping->patience, 3);
  EXPECT_EQ(canonical_text(read(to_yaml(canonical_text(options)))), canonical_text(options));
  EXPECT_EQ(canonical_text(read(to_yaml(canonical_text(TrainingOptions{})))),
            canonical_text(TrainingOptions{}));
}

TEST(TrainingOptions, NeedWhatTheyMonitor) {
  EXPECT_EQ(complaint("", true), "no complaint");
  EXPECT_EQ(complaint("", false),
            "training.checkpoint.monitor is val_accuracy but the split holds out no validation "
            "part: set split.validation above 0, or training.checkpoint.monitor to accuracy, or "
            "training.checkpoint.keep to last");
  EXPECT_EQ(complaint("checkpoint: {monitor: loss}", false), "no complaint");
  EXPECT_EQ(complaint("checkpoint: {keep: last}", false), "no complaint");
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, schedule: {name: reduce_on_plateau}}", false),
              testing::StartsWith("training.schedule.monitor is val_loss"));
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, early_stopping: {}}", false),
              testing::StartsWith("training.early_stopping.monitor is val_loss"));
  EXPECT_EQ(complaint("{schedule: {name: reduce_on_plateau}, early_stopping: {}}", true),
            "no complaint");
}

TEST(TrainingOptions, RefuseValuesOutOfRange) {
  EXPECT_THAT(complaint("epochs: 0", true), testing::HasSubstr("c.yaml:1: epochs: 0 is out of"));
  EXPECT_THAT(complaint("optimizer: {learning_rate: 0}", true),
              testing::HasSubstr("optimizer.learning_rate: 0 is out of range"));
  TrainingOptions options;
  options.batch_size = 0;
  EXPECT_THROW(check(options, true), ConfigError);
}

}  // namespace
}  // namespace serenade
