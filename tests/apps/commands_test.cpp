#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include "kernels/device/device.h"
#include "kernels/device/options.h"
#include "kernels/device/vector_path.h"

#include "pipeline/model/model_file.h"
#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::expect_failure;
using test::Outcome;
using test::SerenadeProgram;
using test::write_bytes;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(Commands, WrongUseExitsWithTwo) {
  const SerenadeProgram program;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"dance"},
                                             {"run"},
                                             {"run", "small.yaml", "--frobnicate"},
                                             {"run", "small.yaml", "--threads", "-1"},
                                             {"run", "small.yaml", "--device", "tpu"},
                                             {"predict", "runs/small", "--csv", "--json"}}) {
    const Outcome outcome = program.serenade(words);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  expect_failure(program.serenade({"run", "absent.yaml"}), 2, "absent.yaml");
  expect_failure(program.serenade({"run", "small.yaml", "training.epoch=3"}), 2, "'epochs'");
  expect_failure(program.serenade({"run", "small.yaml", "training.epochs=0"}), 2, "epochs");
  expect_failure(program.serenade({"run", "small.yaml", "training.epochs"}), 2, "key.path=value");
  write_bytes(program.folder / "misspelt.yaml", "seed: 1\ntraining:\n  epoch: 3\n");
  expect_failure(program.serenade({"run", "misspelt.yaml"}), 2, "misspelt.yaml:3: training.epoch");
  EXPECT_FALSE(fs::exists(program.folder / "runs"));
}

TEST(Commands, LabelsAndFurtherCorporaCanBeSetOnTheCommandLine) {
  const SerenadeProgram program;
  const Outcome merged =
      program.serenade({"extract", "small.yaml", "corpus.labels={calm: neutral, surprised: null}"});
  EXPECT_EQ(merged.status, 0) << merged.err;
  EXPECT_THAT(merged.err, HasSubstr("16 files of 'surprised' are left out (corpus.labels)"));
  expect_failure(program.serenade({"extract", "small.yaml", "corpus.labels={clam: neutral}"}), 2,
                 "did you mean 'calm'?");
  expect_failure(program.serenade({"extract", "small.yaml", "corpus.more=[{path: absent}]"}), 1,
                 "absent: no such folder");
  expect_failure(program.serenade({"extract", "small.yaml", "corpus.more=[{paht: absent}]"}), 2,
                 "corpus.more.0.paht: unknown key (did you mean 'path'?)");
}

/// A network without bounds under a rate that is far too high: every epoch, of one step, multiplies
/// its weights, until one's loss is no number.
TEST(Commands, ALossThatIsNoNumberLeavesTheLastGoodCheckpoint) {
  const SerenadeProgram program;
  const Outcome outcome = program.serenade(
      {"run", "small.yaml", "split.validation=0", "training.checkpoint.keep=last",
       "training.batch_size=1000", "training.epochs=60",
       "training.optimizer={name: sgd, learning_rate: 50}",
       "model.layers=[{conv1d: {filters: 8}}, {conv1d: {filters: 8}}, global_average_pool]"});
  expect_failure(outcome, 1, "the loss is ");
  EXPECT_THAT(outcome.err, HasSubstr("; the batch: "));
  EXPECT_THAT(outcome.err, HasSubstr("03-01-"));
  const ModelFile last = load_model(program.folder / "runs" / "small" / "last.safetensors");
  const auto& history = last.training.tensors.at("training.history");
  const auto epochs = std::get<Array<double>>(history).shape()[0];
  ASSERT_GE(epochs, 1);
  EXPECT_THAT(outcome.err, HasSubstr(fmt::format("in epoch {}, step {}", epochs + 1, epochs + 1)));
  EXPECT_THAT(outcome.err, HasSubstr(fmt::format("the weights of epoch {} are kept", epochs)));
  for (const auto& [name, values] : last.weights) {
    for (const float value : values.span()) EXPECT_TRUE(std::isfinite(value)) << name;
  }
}

TEST(Commands, WhatFailsExitsWithOne) {
  const SerenadeProgram program;
  expect_failure(program.serenade({"run", "small.yaml", "corpus.path=absent"}), 1, "absent");
  fs::create_directories(program.folder / "bare");
  expect_failure(program.serenade({"extract", "small.yaml", "corpus.path=bare"}), 1, "bare");
  expect_failure(program.serenade({"train", "small.yaml"}), 1, "serenade extract");
  expect_failure(program.serenade({"evaluate", "runs/absent"}), 1, "runs/absent");
  expect_failure(program.serenade({"predict", "runs/absent", "x.wav"}), 1, "runs/absent");
  expect_failure(program.serenade({"run", "small.yaml", "--device", "cuda"}), 1, "cuda");
}

TEST(Commands, HelpAndVersionAreResults) {
  const SerenadeProgram program;
  for (const std::string word : {"--help", "--version"}) {
    const Outcome outcome = program.serenade({word});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, HasSubstr("erenade"));
    EXPECT_EQ(outcome.err, "");
  }
  EXPECT_THAT(program.serenade({"info"}).out, HasSubstr("hdf5"));
}

TEST(Commands, TheEnvironmentChoosesTheVectorPath) {
  const SerenadeProgram program;
  const auto info = [&](const std::string& path) {
    return test::run_program(program.folder.path(), {"/usr/bin/env", "SERENADE_VECTORS=" + path,
                                                     SERENADE_PROGRAM, "info"});
  };
  for (const VectorPath path : supported_vector_paths()) {
    EXPECT_THAT(info(std::string(enum_name(path))).out,
                ContainsRegex("vector path +" + std::string(enum_name(path)) + "\n"));
  }
  const std::string fastest(enum_name(supported_vector_paths().back()));
  EXPECT_THAT(info("").out, ContainsRegex("vector path +" + fastest + "\n"));
  EXPECT_THAT(info("").out,
              ContainsRegex("paths supported +" + to_string(supported_vector_paths()) + "\n"));
  const Outcome misspelt = info("avx");
  EXPECT_EQ(misspelt.status, 2);
  EXPECT_THAT(misspelt.err, HasSubstr("SERENADE_VECTORS is 'avx' but must be scalar, avx2 or"));
}

/// Before anything of CUDA begins, which reads it then.
TEST(Commands, AGpusQueuesAreAsManyAsItHasOrAsTheEnvironmentSays) {
  if constexpr (!has_cuda) GTEST_SKIP() << "a build without CUDA";
  const SerenadeProgram program;
  const auto info = [&](const std::string& setting) {
    return test::run_program(program.folder.path(),
                             {"/usr/bin/env", setting, SERENADE_PROGRAM, "info"})
        .out;
  };
  EXPECT_THAT(info("--unset=CUDA_DEVICE_MAX_CONNECTIONS"), HasSubstr("; 32 queues\n"));
  EXPECT_THAT(info("CUDA_DEVICE_MAX_CONNECTIONS=4"), HasSubstr("; 4 queues\n"));
}

TEST(Commands, RunPrintsResultsAndTellsTheRest) {
  const SerenadeProgram program;
  const Outcome outcome = program.serenade({"run", "small.yaml", "--threads", "2"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("UAR"));
  EXPECT_THAT(outcome.err, HasSubstr("2 threads"));
  EXPECT_THAT(outcome.err, HasSubstr("report: runs/small/report.html"));
  // The last line of progress is of the last epoch.
  EXPECT_THAT(outcome.err, HasSubstr("epoch 4/4"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("epoch 3/4")));

  // The log holds what was told, and what was typed; so does the report.
  const std::string log = program.bytes("log.txt");
  EXPECT_THAT(log, HasSubstr("run small.yaml --threads 2"));
  EXPECT_THAT(log, HasSubstr("2 threads"));
  EXPECT_THAT(log, HasSubstr("epoch 4/4"));
  EXPECT_THAT(program.bytes("report.html"), HasSubstr("run small.yaml --threads 2"));

  const Outcome evaluated = program.serenade({"evaluate", "runs/small"});
  EXPECT_EQ(evaluated.status, 0) << evaluated.err;
  EXPECT_EQ(evaluated.out, outcome.out);

  const Outcome again = program.serenade({"run", "small.yaml"});
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.out, "");
  EXPECT_THAT(again.err, HasSubstr("finished"));
  EXPECT_THAT(again.err, HasSubstr("--force"));
  EXPECT_EQ(program.serenade({"run", "runs/small/config.yaml"}).err, again.err);

  expect_failure(program.serenade({"run", "small.yaml", "seed=8"}), 1, "--force");
  EXPECT_EQ(program.serenade({"run", "small.yaml", "--force"}).status, 0);
}

TEST(Commands, TheReportQuotesWhatWasTyped) {
  const SerenadeProgram program;
  fs::rename(program.folder / "corpus", program.folder / "it's a corpus");
  const Outcome outcome =
      program.serenade({"run", "small.yaml", "corpus.path=it's a corpus", "training.epochs=1"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(program.bytes("log.txt"),
              HasSubstr(R"('corpus.path=it'\''s a corpus' training.epochs=1)"));
}

TEST(Commands, QuietTellsNothingButResults) {
  const SerenadeProgram program;
  const Outcome outcome = program.serenade({"--quiet", "run", "small.yaml"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, HasSubstr("UAR"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(program.bytes("log.txt"), HasSubstr("epoch 4/4"));
}

TEST(Commands, StepsAreOneRun) {
  const SerenadeProgram program;
  EXPECT_THAT(program.serenade({"extract", "small.yaml"}).out, HasSubstr("120 extracted now"));
  EXPECT_THAT(program.serenade({"extract", "small.yaml"}).out, HasSubstr("0 extracted now"));
  EXPECT_EQ(program.serenade({"train", "small.yaml"}).status, 0);
  const Outcome steps = program.serenade({"evaluate", "runs/small"});
  EXPECT_EQ(steps.out, program.serenade({"run", "small.yaml", "--runs", "whole"}).out);
  EXPECT_THAT(program.serenade({"run", "small.yaml"}).err, HasSubstr("finished"));
}

TEST(Commands, FailuresAreInTheLog) {
  const SerenadeProgram program;
  expect_failure(program.serenade({"run", "small.yaml", "corpus.path=absent"}), 1, "absent");
  EXPECT_THAT(program.bytes("log.txt"), HasSubstr("error: absent"));
  EXPECT_FALSE(program.has("metrics.json"));
}

TEST(Commands, ResultsThatCannotBePrintedAreAFailure) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const SerenadeProgram program;
  for (const std::string to : {">/dev/full", ">&-"}) {
    const Outcome outcome = test::run_program(
        program.folder.path(),
        {"/bin/sh", "-c", fmt::format("'{}' run small.yaml --force {}", SERENADE_PROGRAM, to)});
    EXPECT_EQ(outcome.status, 1) << to;
    EXPECT_THAT(outcome.err, HasSubstr("error: ")) << to;
    EXPECT_TRUE(program.has("metrics.json"));
    // A model that a closed stdout had been lent to would begin otherwise.
    EXPECT_EQ(program.serenade({"evaluate", "runs/small"}).status, 0);
  }
}

TEST(Commands, FoldersThatCannotBeWrittenAreNamed) {
  const SerenadeProgram program;
  write_bytes(program.folder / "file", "x");
  expect_failure(program.serenade({"run", "small.yaml", "--runs", "file"}), 1, "file/small");
  expect_failure(program.serenade({"run", "small.yaml", "--cache", "file"}), 1, "file/");
  if (::geteuid() == 0) GTEST_SKIP() << "root may write into any folder";
  fs::create_directories(program.folder / "closed");
  fs::permissions(program.folder / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  expect_failure(program.serenade({"run", "small.yaml", "--runs", "closed"}), 1, "closed");
}

}  // namespace
}  // namespace serenade
