#include "pipeline/training/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/device/error.h"
#include "pipeline/config/yaml.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

TrainingOptions read(const std::string& text) {
  TrainingOptions options;
  read_options(ConfigNode::parse(text, "c.yaml"), options);
  return options;
}

std::string complaint(const std::string& text, bool has_validation) {
  return test::error_of<ConfigError>([&] { check(read(text), has_validation); });
}

TEST(TrainingOptions, ReadWhatTheyPrint) {
  const TrainingOptions options = read(
      "epochs: 7\nbatch_size: 5\n"
      "optimizer: {name: adamw, learning_rate: 0.01, beta_1: 0.8, weight_decay: 0.1}\n"
      "schedule: {name: reduce_on_plateau, monitor: uar, factor: 0.5}\n"
      "checkpoint: {keep: last}\nearly_stopping: {patience: 3}\n"
      "label_smoothing: 0.1\nclass_weights: {calm: 0.5, \"very: happy\": 2}\nl2: 0.001\n"
      "clip_norm: 1\nema: 0.99\nswa: {start: 0.6}\n");
  EXPECT_EQ(options.class_weights.kind, ClassWeights::Kind::map);
  EXPECT_EQ(options.class_weights.weights.at("very: happy"), 2);
  EXPECT_EQ(options.clip_norm, 1);
  EXPECT_EQ(options.ema, 0.99);
  ASSERT_TRUE(options.swa);
  EXPECT_EQ(options.swa->start, 0.6);
  EXPECT_EQ(read("class_weights: balanced").class_weights.kind, ClassWeights::Kind::balanced);
  EXPECT_EQ(read("class_weights: none").class_weights.kind, ClassWeights::Kind::none);
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
  EXPECT_EQ(complaint("", true), "no error");
  EXPECT_EQ(complaint("", false),
            "training.checkpoint.monitor is val_accuracy but the split holds out no validation "
            "part: set split.validation above 0, or training.checkpoint.monitor to accuracy, or "
            "training.checkpoint.keep to last");
  EXPECT_EQ(complaint("checkpoint: {monitor: loss}", false), "no error");
  EXPECT_EQ(complaint("checkpoint: {keep: last}", false), "no error");
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, schedule: {name: reduce_on_plateau}}", false),
              testing::StartsWith("training.schedule.monitor is val_loss"));
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, early_stopping: {}}", false),
              testing::StartsWith("training.early_stopping.monitor is val_loss"));
  EXPECT_EQ(complaint("{schedule: {name: reduce_on_plateau}, early_stopping: {}}", true),
            "no error");
}

TEST(TrainingOptions, WantOneWarmUpThatEnds) {
  EXPECT_THAT(complaint("schedule: {warmup_epochs: 1, warmup_steps: 1}", true),
              testing::HasSubstr("both warmup_epochs and warmup_steps"));
  EXPECT_EQ(complaint("{epochs: 5, schedule: {warmup_epochs: 5}}", true),
            "training.schedule.warmup_epochs is 5 but must be less than the 5 of training.epochs");
  EXPECT_EQ(complaint("{epochs: 5, schedule: {warmup_epochs: 4}}", true), "no error");
}

TEST(TrainingOptions, AverageOverEpochsOnlyWhereThatIsWhatIsKept) {
  EXPECT_EQ(complaint("{checkpoint: {keep: last}, swa: {}}", false), "no error");
  EXPECT_THAT(complaint("swa: {}", true), testing::HasSubstr("training.checkpoint.keep is best"));
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, swa: {}, ema: 0.9}", true),
              testing::HasSubstr("both ema and swa"));
  EXPECT_THAT(complaint("{checkpoint: {keep: last}, swa: {}, early_stopping: {}}", true),
              testing::HasSubstr("training.early_stopping"));
}

TEST(TrainingOptions, RefuseValuesOutOfRange) {
  for (const char* const text :
       {"label_smoothing: 1", "label_smoothing: -0.1", "class_weights: {calm: -1}",
        "class_weights: [1, 2]", "class_weights: some", "l2: -1", "clip_norm: 0", "ema: 1",
        "swa: {start: 1}", "optimizer: {momentum: 1}", "schedule: {final_ratio: 2}",
        "schedule: {pct_start: 1.5}", "schedule: {div_factor: 0}",
        "schedule: {final_div_factor: 0.5}", "schedule: {warmup_steps: -1}",
        "schedule: {warmup_epochs: -1}"}) {
    EXPECT_THAT(complaint(text, true), testing::StartsWith("c.yaml:1: ")) << text;
  }
  EXPECT_THAT(complaint("epochs: 0", true), testing::HasSubstr("c.yaml:1: epochs: 0 is out of"));
  EXPECT_THAT(complaint("optimizer: {learning_rate: 0}", true),
              testing::HasSubstr("optimizer.learning_rate: 0 is out of range"));
  TrainingOptions options;
  options.batch_size = 0;
  EXPECT_THROW(check(options, true), ConfigError);
}

}  // namespace
}  // namespace serenade
