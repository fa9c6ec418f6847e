#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/model/model_file.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using test::write_bytes;
using testing::Contains;
using testing::HasSubstr;

Workplace resuming(SmallExperiment& small) {
  Workplace place = small.workplace();
  place.resume = true;
  return place;
}

double training_seconds(const SmallExperiment& small) {
  return nlohmann::json::parse(small.bytes("environment.json"))["training_seconds"].get<double>();
}

/// All that is in the run's folder.
std::string files_of(const SmallExperiment& small) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(small.run_path())) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string all;
  for (const fs::path& path : paths) all += path.string() + '\n' + test::read_bytes(path);
  return all;
}

TEST(Resume, OfAFinishedRunGivesTheBitsOfOneThatWasLonger) {
  SmallExperiment small;
  const auto settings = [](int epochs) {
    return std::vector<std::string>{"seeds=[3, 4]", fmt::format("training.epochs={}", epochs)};
  };
  run(small.config(settings(4)), small.workplace("whole"));
  run(small.config(settings(2)), small.workplace());
  fs::create_directories(small.run_path() / "on-other");
  write_bytes(small.run_path() / "on-other/metrics.json", "{}");
  EXPECT_FALSE(run(small.config(settings(4)), resuming(small)).was_finished);
  for (const char* file : {"seed-3/model.safetensors", "seed-4/model.safetensors",
                           "predictions.csv", "config.yaml", "split.csv"}) {
    EXPECT_EQ(small.bytes(file), small.bytes(file, "whole/small")) << file;
  }
  EXPECT_FALSE(fs::exists(small.run_path() / "on-other")) << "scores of models that are gone";
  EXPECT_TRUE(run(small.config(settings(4)), resuming(small)).was_finished);
}

TEST(Resume, WithNothingThereSaysSo) {
  SmallExperiment small;
  for (const auto& command : {run, train}) {
    EXPECT_THAT(refusal([&] { command(small.config(), resuming(small)); }),
                HasSubstr("there is no run to resume"));
  }
  // Begun, and killed before the first epoch was done.
  write_bytes(small.run_path() / "config.yaml", resolved_yaml(small.config()));
  EXPECT_TRUE(run(small.config(), resuming(small)).report);
  EXPECT_THAT(small.listener.notes, Contains(HasSubstr("begins with the first")));
}

TEST(Resume, RefusesWhatWouldHaveBeenAnotherTraining) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const std::string before = files_of(small);
  const auto text = [&](const char* other) {
    return refusal([&] { run(small.config({other}), resuming(small)); });
  };
  EXPECT_THAT(text("seed=8"), HasSubstr("'seed: 7' has become 'seed: 8'"));
  EXPECT_THAT(text("training.batch_size=8"), HasSubstr("'batch_size: 16' has become"));
  EXPECT_THAT(text("seeds=[1]"), HasSubstr("seeds"));
  EXPECT_THAT(text("evaluation.windows=centre"), HasSubstr("windows"));
  EXPECT_THAT(text("training.epochs=3"), HasSubstr("not lower"));
  EXPECT_EQ(files_of(small), before);
}

TEST(Resume, KeepsTheResultsOfARunThatCannotGoOn) {
  const std::vector<std::string> averaged = {"training.checkpoint.keep=last", "training.swa={}"};
  SmallExperiment small;
  const auto refused_for_six_epochs = [&](std::vector<std::string> words) {
    const std::string before = files_of(small);
    words.emplace_back("training.epochs=6");
    std::string text = refusal([&] { run(small.config(words), resuming(small)); });
    EXPECT_EQ(files_of(small), before) << text;
    return text;
  };
  run(small.config(averaged), small.workplace());
  EXPECT_THAT(refused_for_six_epochs(averaged), HasSubstr("training.swa is set"));
  Workplace forced = small.workplace();
  forced.force = true;
  run(small.config(), forced);
  fs::rename(small.folder / "corpus", small.folder / "moved");
  EXPECT_THAT(refused_for_six_epochs({}), HasSubstr("no such folder"));
  fs::rename(small.folder / "moved", small.folder / "corpus");
  const std::string clip = test::read_bytes(small.clips[3]);
  fs::remove(small.clips[3]);
  EXPECT_THAT(refused_for_six_epochs({}), HasSubstr("no longer gives this split"));
  write_bytes(small.clips[3], clip);
  fs::remove_all(small.folder / "cache");
  EXPECT_THAT(refusal([&] { train(small.config({"training.epochs=6"}), resuming(small)); }),
              HasSubstr("run `serenade extract`"));
  fs::remove(small.run_path() / "last.safetensors");
  EXPECT_THAT(refused_for_six_epochs({}), HasSubstr("the run stays as it is"));
}

TEST(Resume, IsNotOfFeaturesThatWereComputedOtherwise) {
  // Where clips are standardised by themselves no scaler tells one kind of features from another.
  const std::vector<std::string> words = {"model.normalisation=clip",
                                          "augmentation.copies=[{gain: -6}]"};
  SmallExperiment small;
  run(small.config(words), small.workplace("fresh"));
  const auto interrupted = [&](const auto& change) {
    fs::remove_all(small.run_path());
    small.listener.interrupted_task = "train fold-1";
    small.listener.interrupted_after = 24;
    EXPECT_THROW(run(small.config(words), small.workplace()), test::Listener::Interruption);
    small.listener.interrupted_task.clear();
    const fs::path last = small.run_path() / "last.safetensors";
    ModelFile checkpoint = load_model(last);
    change(checkpoint);
    save_model(last, checkpoint);
    EXPECT_THAT(refusal([&] { run(small.config(words), resuming(small)); }),
                HasSubstr("features that were computed otherwise"));
    small.listener.warnings.clear();
    run(small.config(words), small.workplace());
    EXPECT_THAT(small.listener.warnings, Contains(HasSubstr("beginning anew")));
    EXPECT_EQ(small.bytes("predictions.csv"), small.bytes("predictions.csv", "fresh/small"));
  };
  interrupted([](ModelFile& file) { file.description.feature_key += "another library"; });
  interrupted([](ModelFile& file) { file.training.metadata.at("training.copies") = "others"; });
}

TEST(Resume, RefusesWhatAPlainRunBeginsAnew) {
  SmallExperiment small;
  const auto interrupted = [&] {
    fs::remove_all(small.run_path());
    small.listener.interrupted_task = "train fold-1";
    small.listener.interrupted_after = 12;
    EXPECT_THROW(run(small.config(), small.workplace()), test::Listener::Interruption);
    small.listener.interrupted_task.clear();
  };
  interrupted();
  const fs::path last = small.run_path() / "last.safetensors";
  std::string bytes = test::read_bytes(last);
  bytes.back() ^= 1;  // a weight: half of so small a file is its header
  write_bytes(last, bytes);
  EXPECT_THAT(refusal([&] { run(small.config(), resuming(small)); }), HasSubstr("damaged"));
  interrupted();
  fs::remove(small.clips[3]);
  EXPECT_THAT(refusal([&] { run(small.config(), resuming(small)); }),
              HasSubstr("no longer gives this split"));
}

TEST(Resume, FindsTheCorpusElsewhere) {
  SmallExperiment small;
  run(small.config({"training.epochs=2"}), small.workplace());
  fs::rename(small.folder / "corpus", small.folder / "moved");
  const auto config = small.config({"training.epochs=4"});
  ExperimentConfig moved = config;
  moved.corpus.path = (small.folder / "moved").string();
  EXPECT_TRUE(run(moved, resuming(small)).report);
  EXPECT_THAT(small.bytes("config.yaml"), HasSubstr("moved"));
}

TEST(Resume, CountsTheSecondsOfAllSessions) {
  SmallExperiment small;
  run(small.config({"training.epochs=2"}), small.workplace());
  EXPECT_LT(training_seconds(small), 900);
  const fs::path last = small.run_path() / "last.safetensors";
  ModelFile checkpoint = load_model(last);
  ASSERT_TRUE(checkpoint.training.metadata.contains("training.run_seconds"));
  checkpoint.training.metadata["training.run_seconds"] = "1000.5";
  save_model(last, checkpoint);
  const RunResult result = run(small.config({"training.epochs=4"}), resuming(small));
  const double seconds = training_seconds(small);
  EXPECT_GT(seconds, 1000.5);
  EXPECT_LT(seconds, 1900);
  const auto told = [](const ReportData& report) {
    for (const TimingRow& row : report.timings) {
      if (row.stage == "training") return row.seconds;
    }
    return 0.0;
  };
  EXPECT_EQ(told(*result.report), seconds);
  EXPECT_EQ(told(evaluate(RunFolder::open(small.run_path()), small.workplace())), seconds);
}

}  // namespace
}  // namespace serenade
