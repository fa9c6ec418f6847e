#include "pipeline/experiment/config.h"

#include <gmock/gmock.h>

#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

using test::small_yaml;
using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;

/// What is wrong with this file and these overrides; empty where nothing is.
std::string complaint(const std::string& text, const std::vector<std::string>& overrides = {},
                      const std::string& file_name = "some.yaml") {
  const TemporaryFolder folder;
  write_bytes(folder / file_name, text);
  try {
    load_experiment(folder / file_name, overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(ExperimentConfig, IsNamedAfterItsFileOrNot) {
  const TemporaryFolder folder;
  write_bytes(folder / "some.yaml", small_yaml);
  EXPECT_EQ(load_experiment(folder / "some.yaml").name, "some");
  EXPECT_EQ(load_experiment(folder / "some.yaml", {"name=other"}).name, "other");
}

TEST(ExperimentConfig, NamesThatLeaveTheRunsFolderAreRefused) {
  for (const std::string name : {"../up", "a/b", "..", ".hidden", "-force", "'a b'", "''"}) {
    EXPECT_THAT(complaint(small_yaml, {"name=" + name}), HasSubstr("cannot name a run")) << name;
  }
  EXPECT_THAT(complaint(small_yaml, {"name=" + std::string(300, 'a')}), HasSubstr("up to 200"));
  EXPECT_THAT(complaint(small_yaml, {}, "my file.yaml"), HasSubstr("it is the file's name"));
}

TEST(ExperimentConfig, MisspeltKeysNameFileLineAndTheNearestKey) {
  const std::string text = "seed: 1\ntraining:\n  epoch: 3\n";
  EXPECT_THAT(complaint(text), HasSubstr("some.yaml:3: training.epoch"));
  EXPECT_THAT(complaint(text), HasSubstr("'epochs'"));
  EXPECT_THAT(complaint("fetures: {}\n"), HasSubstr("'features'"));
  EXPECT_THAT(complaint("model: {layers: [conv2d]}\n"), HasSubstr("'conv1d'"));
}

TEST(ExperimentConfig, ValuesOutOfRangeNameTheirPlace) {
  EXPECT_THAT(complaint("training:\n  epochs: 0\n"), HasSubstr("some.yaml:2: training.epochs"));
  EXPECT_THAT(complaint("training:\n  epochs: many\n"), HasSubstr("some.yaml:2: training.epochs"));
  EXPECT_THAT(complaint(small_yaml, {"training.epochs=0"}),
              HasSubstr("command line: training.epochs"));
}

TEST(ExperimentConfig, WhatIsMonitoredMustExist) {
  EXPECT_THAT(complaint(small_yaml, {"split.validation=0"}), HasSubstr("validation"));
}

TEST(ExperimentConfig, AugmentationOfSequencesIsRefusedForVectors) {
  const std::vector<std::string> vectors{"features.statistics=[mean]", "model.frames=null"};
  for (const std::string key : {"spec_augment={}", "frequency_shift=2", "crop=random"}) {
    std::vector<std::string> overrides{"augmentation." + key};
    EXPECT_EQ(complaint(small_yaml, overrides), "") << key;
    overrides.insert(overrides.end(), vectors.begin(), vectors.end());
    EXPECT_THAT(complaint(small_yaml, overrides), HasSubstr(key.substr(0, key.find('=')))) << key;
  }
  EXPECT_EQ(complaint(small_yaml, {"augmentation.mixup=0.2", vectors[0], vectors[1]}), "");
  EXPECT_THAT(complaint(small_yaml, {"augmentation.mixup=-1"}), HasSubstr("augmentation.mixup"));
  EXPECT_THAT(complaint(small_yaml, {"augmentation.specaugment={}"}), HasSubstr("'spec_augment'"));
}

TEST(ExperimentConfig, OverridesThatCannotBeAreRefused) {
  EXPECT_THAT(complaint(small_yaml, {"training.epochs"}), HasSubstr("key.path=value"));
  EXPECT_THAT(complaint(small_yaml, {"=3"}), HasSubstr("key.path=value"));
  EXPECT_THAT(complaint(small_yaml, {"training..epochs=3"}), HasSubstr("empty key"));
  EXPECT_THAT(complaint(small_yaml, {"seed.x=3"}), HasSubstr("plain value"));
  EXPECT_THAT(complaint(small_yaml, {"training.epoch=3"}), HasSubstr("'epochs'"));
  EXPECT_THAT(complaint(small_yaml, {"training.epochs=[3"}), HasSubstr("not valid YAML"));
  EXPECT_THAT(complaint(small_yaml, {"model.layers.9.relu={}"}), HasSubstr("items"));
}

TEST(ExperimentConfig, AMissingFileIsWrongUse) {
  const TemporaryFolder folder;
  EXPECT_THROW(load_experiment(folder / "absent.yaml"), ConfigError);
  EXPECT_THROW(load_experiment(folder.path()), ConfigError);
}

TEST(ExperimentConfig, ResolvedItReadsBackAsTheSame) {
  const TemporaryFolder folder;
  write_bytes(folder / "some.yaml", small_yaml);
  for (const std::vector<std::string>& overrides : std::vector<std::vector<std::string>>{
           {},
           {"corpus.path='a: b, #c'", "training.early_stopping={}", "seed=18446744073709551615"},
           {"augmentation.spec_augment={time_masks: 1}", "augmentation.mixup=0.2",
            "augmentation.frequency_shift=2", "augmentation.frequency_columns={first: 1}"},
           {"features.statistics=[mean, std]", "model.frames=null", "features.duration=0.1"}}) {
    const std::string yaml = resolved_yaml(load_experiment(folder / "some.yaml", overrides));
    EXPECT_EQ(resolved_yaml(parse_experiment(yaml, "again")), yaml);
  }
}

}  // namespace
}  // namespace serenade
