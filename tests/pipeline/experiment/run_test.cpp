#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::read_bytes;
using test::refusal;
using test::SmallExperiment;
using test::write_bytes;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// metrics.json without what may differ between two runs of the same: dates and seconds.
nlohmann::json scores(const std::string& text) {
  auto json = nlohmann::json::parse(text);
  for (const char* key : {"date", "command", "config_name", "timings"}) json.erase(key);
  return json;
}

TEST(Run, WritesTheRunFolder) {
  SmallExperiment small;
  const RunResult result = run(small.config(), small.workplace());
  EXPECT_FALSE(result.was_finished);
  ASSERT_TRUE(result.report);
  for (const char* file :
       {"config.yaml", "environment.json", "split.csv", "metrics.csv", "model.safetensors",
        "last.safetensors", "predictions.csv", "metrics.json", "report.html"}) {
    EXPECT_TRUE(small.has(file)) << file;
  }
  const auto environment = nlohmann::json::parse(small.bytes("environment.json"));
  for (const char* key : {"serenade", "device", "threads", "compiler", "audio", "hdf5"}) {
    ASSERT_TRUE(environment.contains(key)) << key;
    EXPECT_NE(environment[key].dump(), "\"\"");
  }
  EXPECT_THAT(small.listener.warnings, IsEmpty());
  // Every layer is shown with its options, as a reader would write them.
  const auto& layers = result.report->layers;
  ASSERT_GE(layers.size(), 4U);
  EXPECT_THAT(layers[0].options, HasSubstr("filters: 8"));
  EXPECT_EQ(layers[1].options, "");
  for (const auto& layer : layers) EXPECT_EQ(layer.options.find_first_of("{}"), std::string::npos);
}

TEST(Run, FinishedIsNotDoneAgainUnlessForced) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const auto model = small.bytes("model.safetensors");
  const auto written = fs::last_write_time(small.run_path() / "model.safetensors");
  small.listener.tasks.clear();
  EXPECT_TRUE(run(small.config(), small.workplace()).was_finished);
  EXPECT_TRUE(train(small.config(), small.workplace()).was_finished);
  EXPECT_THAT(small.listener.tasks, IsEmpty());
  EXPECT_EQ(fs::last_write_time(small.run_path() / "model.safetensors"), written);

  Workplace place = small.workplace();
  place.force = true;
  EXPECT_FALSE(run(small.config(), place).was_finished);
  EXPECT_THAT(small.listener.tasks, Contains(HasSubstr("train")));
  EXPECT_EQ(small.bytes("model.safetensors"), model);
}

TEST(Run, AnotherConfigurationNeedsAnotherNameOrForce) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const auto other = small.config({"seed=8"});
  for (const auto& command : {run, train}) {
    const std::string text = refusal([&] { command(other, small.workplace()); });
    EXPECT_THAT(text, HasSubstr(small.run_path().string()));
    EXPECT_THAT(text, HasSubstr("name="));
    EXPECT_THAT(text, HasSubstr("--force"));
  }
  EXPECT_THAT(small.bytes("config.yaml"), HasSubstr("seed: 7"));
  Workplace place = small.workplace();
  place.force = true;
  EXPECT_FALSE(run(other, place).was_finished);
  EXPECT_THAT(small.bytes("config.yaml"), HasSubstr("seed: 8"));
}

TEST(Run, InStepsGivesTheSameNumbers) {
  SmallExperiment small;
  const RunResult whole = run(small.config(), small.workplace("whole"));

  SmallExperiment& steps = small;
  fs::remove_all(steps.folder / "cache");
  const ExtractionReport extraction = extract(steps.config(), steps.workplace());
  EXPECT_EQ(extraction.extracted, 120);
  EXPECT_FALSE(steps.has("config.yaml"));
  EXPECT_FALSE(train(steps.config(), steps.workplace()).report);
  EXPECT_FALSE(steps.has("metrics.json"));
  const ReportData report = evaluate(RunFolder::open(steps.run_path()), steps.workplace());
  for (const char* file : {"model.safetensors", "split.csv", "predictions.csv", "config.yaml"}) {
    EXPECT_EQ(steps.bytes(file), read_bytes(small.folder / "whole/small" / file)) << file;
  }
  EXPECT_EQ(scores(steps.bytes("metrics.json")),
            scores(read_bytes(small.folder / "whole/small/metrics.json")));
  EXPECT_EQ(report.curves.size(), whole.report->curves.size());
  EXPECT_EQ(report.curves[0].training_loss, whole.report->curves[0].training_loss);
}

TEST(Run, TakesUpWhatWasTrained) {
  SmallExperiment small;
  extract(small.config(), small.workplace());
  train(small.config(), small.workplace());
  const auto environment = small.bytes("environment.json");
  small.listener.tasks.clear();
  EXPECT_FALSE(run(small.config(), small.workplace()).was_finished);
  EXPECT_THAT(small.listener.tasks, testing::Not(Contains(HasSubstr("train"))));
  EXPECT_EQ(small.bytes("environment.json"), environment);
  EXPECT_TRUE(small.has("report.html"));
}

TEST(Run, TheConfigurationItSavedReproducesIt) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const auto saved = load_experiment(small.run_path() / "config.yaml");
  EXPECT_TRUE(run(saved, small.workplace()).was_finished);
  run(saved, small.workplace("again"));
  EXPECT_EQ(small.bytes("model.safetensors", "again/small"), small.bytes("model.safetensors"));
}

class RunOnPath : public test::OnVectorPath<VectorPath> {};
INSTANTIATE_TEST_SUITE_P(VectorPath, RunOnPath, test::every_vector_path, test::PathName());

TEST_P(RunOnPath, HasTheBitsOfTheScalarPathOnAnyNumberOfThreads) {
  SmallExperiment small;
  {
    const test::UseVectorPath scalar(VectorPath::scalar);
    run(small.config(), small.workplace());
  }
  for (const int threads : {1, 2, 3, 7}) {
    small.context = Context(threads);
    fs::remove_all(small.folder / "cache");
    const auto runs = fmt::format("runs-{}", threads);
    run(small.config(), small.workplace(runs));
    for (const char* file : {"model.safetensors", "predictions.csv"}) {
      EXPECT_EQ(small.bytes(file, runs + "/small"), small.bytes(file)) << threads << file;
    }
    const auto environment =
        nlohmann::json::parse(small.bytes("environment.json", runs + "/small"));
    EXPECT_EQ(environment["vector path"], enum_name(GetParam()));
  }
}

TEST(Train, WithoutFeaturesIsRefused) {
  SmallExperiment small;
  EXPECT_THAT(refusal([&] { train(small.config(), small.workplace()); }),
              HasSubstr("serenade extract"));
}

TEST(Run, ACorpusThatIsNotThereIsNamed) {
  SmallExperiment small;
  const auto nowhere = "corpus.path=" + (small.folder / "nowhere").string();
  EXPECT_THAT(refusal([&] { run(small.config({nowhere}), small.workplace()); }),
              HasSubstr("nowhere"));
  fs::create_directories(small.folder / "nowhere");
  EXPECT_THAT(refusal([&] { run(small.config({nowhere}), small.workplace()); }),
              HasSubstr("nowhere"));
  EXPECT_THAT(refusal([&] { run(small.config({"corpus.path=''"}), small.workplace()); }),
              HasSubstr("corpus.path"));
}

TEST(Evaluate, SaysWhatTheRunSaid) {
  SmallExperiment small;
  const RunResult result = run(small.config(), small.workplace());
  const auto report = fs::last_write_time(small.run_path() / "report.html");
  const ReportData again = evaluate(RunFolder::open(small.run_path()), small.workplace());
  EXPECT_EQ(again.evaluation.pooled_scores.accuracy,
            result.report->evaluation.pooled_scores.accuracy);
  EXPECT_EQ(again.evaluation.pooled_scores.uar, result.report->evaluation.pooled_scores.uar);
  EXPECT_EQ(fs::last_write_time(small.run_path() / "report.html"), report);
}

TEST(Evaluate, RefusesACorpusThatHasChanged) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  const auto evaluate_again = [&] {
    evaluate(RunFolder::open(small.run_path()), small.workplace());
  };
  fs::rename(small.clips[5], small.folder / "kept.wav");
  EXPECT_THAT(refusal(evaluate_again), HasSubstr("no longer gives this split"));
  test::write_sound(small.clips[5], test::noisy_sine(1600, 99, 8000, 999), 8000);
  EXPECT_THAT(refusal(evaluate_again), HasSubstr("no longer gives this split"));
  fs::rename(small.folder / "kept.wav", small.clips[5]);
  EXPECT_EQ(refusal(evaluate_again), "");
}

TEST(Run, UnreadableClipsAreLeftOutAndNamedUpToMaxBad) {
  SmallExperiment small;
  for (const std::size_t clip : {7U, 70U}) {  // each another way of being broken
    write_bytes(small.clips[clip], "RIFF, but no more " + std::to_string(clip));
  }
  const RunResult result = run(small.config(), small.workplace());
  EXPECT_EQ(result.report->corpus.clips, 118);
  EXPECT_THAT(small.listener.warnings, Contains(HasSubstr(small.clips[7].string())));
  EXPECT_THAT(result.report->warnings, Contains(HasSubstr(small.clips[70].string())));
  EXPECT_THAT(small.bytes("report.html"), HasSubstr(small.clips[7].filename().string()));
  EXPECT_EQ(small.bytes("split.csv").find(small.clips[7].stem().string()), std::string::npos);

  const std::string text = refusal([&] {
    run(small.config({"corpus.max_bad=0.01", "name=x"}), small.workplace());
  });
  EXPECT_THAT(text, HasSubstr(small.clips[7].string()));
  EXPECT_FALSE(small.has("model.safetensors", "runs/x"));
}

TEST(Run, FoldsHaveFoldersAndASummaryAbove) {
  SmallExperiment small(8);
  const auto config = small.config({"split.protocol=emobox", "split.validation=0.2"});
  const RunResult result = run(config, small.workplace());
  const std::size_t folds = result.report->evaluation.folds.size();
  ASSERT_GE(folds, 2U);
  for (std::size_t k = 1; k <= folds; ++k) {
    for (const char* file : {"model.safetensors", "last.safetensors", "metrics.csv",
                             "predictions.csv", "metrics.json"}) {
      EXPECT_TRUE(small.has(fmt::format("fold-{}/{}", k, file))) << k << file;
    }
  }
  EXPECT_FALSE(small.has("model.safetensors"));
  for (const char* file : {"metrics.json", "predictions.csv", "report.html", "split.csv"}) {
    EXPECT_TRUE(small.has(file)) << file;
  }
  Index tested = 0;
  for (std::size_t k = 1; k <= folds; ++k) {
    const std::string csv = small.bytes(fmt::format("fold-{}/predictions.csv", k));
    tested += std::count(csv.begin(), csv.end(), '\n') - 1;
  }
  EXPECT_EQ(tested, static_cast<Index>(small.clips.size()));
  // What the summary says of a fold is what its own folder says; speakers were drawn.
  const auto summary = nlohmann::json::parse(small.bytes("metrics.json"));
  EXPECT_EQ(summary["bootstrap"]["resampled"], "speakers");
  EXPECT_EQ(summary["pooled"]["intervals"]["clusters"], 8);
  EXPECT_EQ(summary["baselines"].size(), 3U);
  for (std::size_t k = 1; k <= folds; ++k) {
    const auto own = nlohmann::json::parse(small.bytes(fmt::format("fold-{}/metrics.json", k)));
    EXPECT_EQ(own["folds"].size(), 1U);
    EXPECT_EQ(own["pooled"]["intervals"], own["folds"][0]["intervals"]);
    EXPECT_EQ(own["folds"][0], summary["folds"][k - 1]);
  }
  std::vector<std::string> fields;
  for (const auto& grouping : summary["groups"]) fields.push_back(grouping["field"]);
  EXPECT_THAT(fields, testing::ElementsAre("speaker", "intensity", "sex"));
  EXPECT_THAT(
      refusal([&] { evaluate(RunFolder::open(small.run_path() / "fold-1"), small.workplace()); }),
      HasSubstr("fold"));
}

TEST(Run, InterruptedGoesOnToTheSameBits) {
  for (const bool folds : {false, true}) {
    SmallExperiment small(folds ? 8 : 2);
    std::vector<std::string> overrides = {"training.epochs=6", "training.early_stopping={}"};
    if (folds) overrides.insert(overrides.end(), {"split.protocol=emobox", "split.validation=0.2"});
    const auto config = small.config(overrides);
    run(config, small.workplace("whole"));

    // In the middle of an epoch, some epochs in; of six folds' 180 batches about the middle.
    small.listener.interrupted_task = small.trainings().at(0);
    small.listener.interrupted_after = folds ? 80 : 17;
    EXPECT_THROW(run(config, small.workplace()), test::Listener::Interruption);
    EXPECT_FALSE(small.has("metrics.json"));
    EXPECT_FALSE(small.has("environment.json"));
    const std::string fold = folds ? "fold-2/" : "";
    EXPECT_FALSE(small.has(fold + "model.safetensors"));
    EXPECT_THROW(RunFolder::open(small.run_path()), DataError);

    small.listener.interrupted_task.clear();
    small.listener.notes.clear();
    run(config, small.workplace());
    EXPECT_THAT(small.listener.notes, Contains(HasSubstr("resumed after epoch")));
    for (const std::string& file : {fold + "model.safetensors", std::string("predictions.csv")}) {
      EXPECT_EQ(small.bytes(file), small.bytes(file, "whole/small")) << file;
    }
    EXPECT_EQ(scores(small.bytes("metrics.json")),
              scores(small.bytes("metrics.json", "whole/small")));
  }
}

TEST(Run, InterruptedBeginsAnewWhenTheCorpusHasChanged) {
  SmallExperiment small;
  const auto config = small.config();
  run(config, small.workplace("probe"));
  small.listener.interrupted_task = small.trainings().at(0);
  small.listener.interrupted_after = 12;
  EXPECT_THROW(run(config, small.workplace()), test::Listener::Interruption);
  fs::remove(small.clips[3]);
  small.listener.interrupted_task.clear();
  run(config, small.workplace());
  EXPECT_THAT(small.listener.warnings, Contains(HasSubstr("begins anew")));
  run(config, small.workplace("fresh"));
  EXPECT_EQ(small.bytes("model.safetensors"), small.bytes("model.safetensors", "fresh/small"));
}

TEST(Run, BegunAnewKeepsNoNetworkOfFoldsThatAreGone) {
  SmallExperiment small(4);
  const auto config = small.config({"split.protocol=loso", "training.epochs=1"});
  run(config, small.workplace());
  // Killed when its models were written and nothing behind them.
  for (const char* file : {"environment.json", "metrics.json", "predictions.csv", "report.html"}) {
    fs::remove(small.run_path() / file);
  }
  for (const fs::path& clip : small.clips) {
    if (clip.parent_path() == small.clips.back().parent_path()) fs::remove(clip);
  }
  run(config, small.workplace());
  EXPECT_EQ(RunFolder(small.run_path()).trained_members().size(), 3U);
  EXPECT_FALSE(small.has("fold-4"));
}

TEST(Run, ADamagedCheckpointIsNotResumed) {
  SmallExperiment small;
  run(small.config(), small.workplace("whole"));
  write_bytes(small.run_path() / "config.yaml", resolved_yaml(small.config()));
  std::string bytes = small.bytes("last.safetensors", "whole/small");
  bytes[bytes.size() / 2] ^= 1;
  write_bytes(small.run_path() / "last.safetensors", bytes);
  run(small.config(), small.workplace());
  EXPECT_THAT(small.listener.warnings, Contains(HasSubstr("beginning anew")));
  EXPECT_EQ(small.bytes("model.safetensors"), small.bytes("model.safetensors", "whole/small"));
}

TEST(Run, OneAtATimeInAFolder) {
  SmallExperiment small;
  const RunFolder folder(small.run_path());
  folder.make();
  const RunLock lock(folder);
  EXPECT_THAT(refusal([&] { run(small.config(), small.workplace()); }),
              HasSubstr("another program"));
}

}  // namespace
}  // namespace serenade
