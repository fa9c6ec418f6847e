#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pipeline/model/model_file.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using testing::Contains;
using testing::HasSubstr;

/// Every bit of a model's weights; its file also holds the configuration it was trained with.
std::string weights_of(const fs::path& path) {
  std::string text;
  const ModelFile model = load_model(path);
  for (const auto& [name, value] : model.weights) {
    text += name;
    text.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return text;
}

const std::vector<std::string> folds = {"split.protocol=emobox", "split.validation=0.2"};

std::vector<std::string> with(std::vector<std::string> overrides, const std::string& another) {
  overrides.push_back(another);
  return overrides;
}

TEST(Seeds, HaveFoldersOfTheirOwnOnOneSplit) {
  SmallExperiment small;
  run(small.config(), small.workplace("one"));
  const RunResult result = run(small.config({"seeds=[3, 7, 11]"}), small.workplace());
  for (const char* seed : {"seed-3/", "seed-7/", "seed-11/"}) {
    for (const char* file : {"model.safetensors", "last.safetensors", "metrics.csv",
                             "predictions.csv", "metrics.json"}) {
      EXPECT_TRUE(small.has(std::string(seed) + file)) << seed << file;
    }
  }
  EXPECT_FALSE(small.has("model.safetensors"));
  EXPECT_EQ(small.bytes("split.csv"), small.bytes("split.csv", "one/small"));
  EXPECT_EQ(result.report->seeds, (std::vector<std::uint64_t>{3, 7, 11}));
  ASSERT_TRUE(result.report->evaluation.ensemble);
  EXPECT_EQ(result.report->evaluation.ensemble->pooled_scores.clips,
            result.report->evaluation.clips);
  // The network of the split's own seed is the one that is trained without a list.
  EXPECT_TRUE(weights_of(small.run_path() / "seed-7/model.safetensors") ==
              weights_of(small.folder / "one/small/model.safetensors"));
  EXPECT_FALSE(weights_of(small.run_path() / "seed-3/model.safetensors") ==
               weights_of(small.folder / "one/small/model.safetensors"));
}

TEST(Seeds, ReportTheirOwnBestEpochs) {
  SmallExperiment small;
  const std::vector<int> seeds = {3, 4, 5, 6};
  const auto best_epochs = [&](const std::string& run) {
    std::vector<int> epochs;
    const auto metrics = nlohmann::json::parse(small.bytes("metrics.json", run));
    for (const auto& fold : metrics["folds"]) {
      epochs.push_back(fold["best_epoch"].get<int>());
    }
    return epochs;
  };
  std::vector<int> alone;
  for (const int seed : seeds) {
    const std::string runs = fmt::format("alone-{}", seed);
    run(small.config({fmt::format("seeds=[{}]", seed)}), small.workplace(runs));
    alone.push_back(best_epochs(runs + "/small").at(0));
  }
  ASSERT_FALSE(std::equal(alone.begin() + 1, alone.end(), alone.begin())) << "nothing to mix up";
  const RunResult together = run(small.config({"seeds=[3, 4, 5, 6]"}), small.workplace());
  EXPECT_EQ(best_epochs("runs/small"), alone);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    EXPECT_EQ(best_epochs(fmt::format("runs/small/seed-{}", seeds[i])),
              (std::vector<int>{alone[i]}));
    EXPECT_EQ(together.report->curves[i].seed, seeds[i]);
    EXPECT_EQ(together.report->curves[i].best_epoch, alone[i]);
  }
}

TEST(Seeds, OfFoldsAreWhatTheyAreAloneOnAnyNumberOfThreads) {
  SmallExperiment small(8);
  for (const char* seed : {"3", "4"}) {
    run(small.config(with(folds, fmt::format("seeds=[{}]", seed))),
        small.workplace(std::string("alone-") + seed));
  }
  for (const int threads : {1, 2, 3, 7}) {
    small.context = Context(threads);
    const std::string runs = fmt::format("runs-{}", threads);
    const auto result = run(small.config(with(folds, "seeds=[3, 4]")), small.workplace(runs));
    for (const char* fold : {"fold-1", "fold-2"}) {
      for (const char* seed : {"3", "4"}) {
        const fs::path together = small.folder / runs / "small" / fold / "seed-";
        EXPECT_TRUE(weights_of(together.string() + seed + "/model.safetensors") ==
                    weights_of(small.folder / (std::string("alone-") + seed) / "small" / fold /
                               "model.safetensors"))
            << threads << fold << seed;
      }
    }
    EXPECT_EQ(small.bytes("predictions.csv", runs + "/small"),
              small.bytes("predictions.csv", "runs-1/small"));
  }
}

TEST(Seeds, AreAveragedByPredict) {
  SmallExperiment small;
  run(small.config({"seeds=[3, 4]"}), small.workplace());
  Predictor both(small.run_path());
  EXPECT_EQ(both.models(), 2U);
  const std::vector<fs::path> files = {small.clips[3], small.clips[50]};
  const auto probabilities = [&](const fs::path& run) {
    std::vector<std::vector<float>> rows;
    Predictor(run).predict(small.context, files, small.listener, [&](const FilePrediction& one) {
      rows.push_back(one.clip.probabilities);
    });
    return rows;
  };
  const auto mean = probabilities(small.run_path());
  const auto first = probabilities(small.run_path() / "seed-3");
  const auto second = probabilities(small.run_path() / "seed-4/model.safetensors");
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t c = 0; c < mean[i].size(); ++c) {
      EXPECT_EQ(mean[i][c], (first[i][c] + second[i][c]) / 2);
    }
  }
}

TEST(Seeds, MustDifferAndClearTheirFolders) {
  SmallExperiment small;
  EXPECT_THROW(small.config({"seeds=[3, 4, 3]"}), ConfigError);
  run(small.config({"seeds=[3, 4]", "training.epochs=1"}), small.workplace());
  Workplace place = small.workplace();
  place.force = true;
  run(small.config({"training.epochs=1"}), place);
  EXPECT_FALSE(fs::exists(small.run_path() / "seed-3"));
  EXPECT_TRUE(small.has("model.safetensors"));
}

TEST(Members, KeepTheirWorkWhereOneCannotBeWritten) {
  SmallExperiment small;
  const auto config = small.config({"seeds=[3, 4, 5]"});
  run(config, small.workplace("whole"));
  // Begun before, so that nothing is cleared. Renaming a file onto a folder fails, whoever asks.
  fs::create_directories(small.run_path() / "seed-4/metrics.csv/x");
  test::write_bytes(small.run_path() / "config.yaml", resolved_yaml(config));
  for (const int threads : {1, 2}) {
    small.context = Context(threads);
    try {
      run(config, small.workplace());
      FAIL();
    } catch (const IoError& error) {
      EXPECT_THAT(error.what(), HasSubstr("seed-4/metrics.csv"));
    }
  }
  EXPECT_TRUE(small.has("seed-3/last.safetensors"));
  EXPECT_FALSE(small.has("environment.json"));
  fs::remove_all(small.run_path() / "seed-4/metrics.csv");
  small.listener.notes.clear();
  run(config, small.workplace());
  EXPECT_THAT(small.listener.notes, Contains(HasSubstr("resumed after epoch")));
  for (const char* file : {"seed-3/model.safetensors", "seed-4/model.safetensors",
                           "seed-5/model.safetensors", "predictions.csv"}) {
    EXPECT_EQ(small.bytes(file), small.bytes(file, "whole/small")) << file;
  }
}

}  // namespace
}  // namespace serenade
