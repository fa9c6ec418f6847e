#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "pipeline/experiment/prepare.h"
#include "pipeline/model/model_file.h"
#include "pipeline/training/dataset.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using test::write_bytes;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const std::string two_copies =
    "augmentation.copies=[{speed: [0.9, 1.1]}, {noise: [10, 20], gain: -3}]";

std::size_t cache_folders(const SmallExperiment& small) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(small.folder / "cache")) {
    count += entry.is_directory() ? 1 : 0;
  }
  return count;
}

TEST(Augmentation, CopiesTrainingClipsAndNoOthers) {
  SmallExperiment small;
  const Prepared prepared =
      prepare(small.config({two_copies}), small.workplace(), MissingFeatures::compute);
  const Fold& fold = prepared.split.folds[0];
  const std::size_t training = fold.training().size(), all = prepared.corpus.utterances.size();
  ASSERT_EQ(prepared.copies.size(), 2 * training);
  EXPECT_EQ(prepared.learned[0].copies(), 2 * training);
  EXPECT_EQ(prepared.learned[0].rows().size(), 3 * training);
  ASSERT_EQ(prepared.copy_features.size(), 2U);
  for (const FeatureCache& cache : prepared.copy_features) {
    for (const auto part : {fold.validation(), fold.test()}) {
      for (const std::size_t row : part) {
        EXPECT_FALSE(cache.contains(prepared.corpus.utterances[row].content));
      }
    }
  }
  const DataSet data(
      prepared.corpus, [&](std::size_t row) { return prepared.rows(row); }, 0,
      Normalisation::global, prepared.copies);
  ASSERT_EQ(data.size(), all + 2 * training);
  const std::size_t first = fold.training().indices()[0];
  EXPECT_EQ(data.id(all), data.id(first) + "~1");
  EXPECT_EQ(data.id(all + training), data.id(first) + "~2");
  EXPECT_EQ(data.label(all + training), data.label(first));
  EXPECT_NE(data.number(all), data.number(first));
  // Noise changes no length; what is heard is another clip.
  EXPECT_EQ(data.features(all + training).shape(), data.features(first).shape());
  EXPECT_NE(data.features(all + training).data()[0], data.features(first).data()[0]);
}

TEST(Augmentation, RunsSayHowManyCopiesWereLearnedFrom) {
  SmallExperiment small;
  run(small.config({two_copies}), small.workplace());
  EXPECT_EQ(cache_folders(small), 3U);
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  const auto& fold = metrics["augmentation"]["folds"][0];
  EXPECT_EQ(metrics["augmentation"]["recipes"][1], "{gain: -3, noise: [10, 20]}");
  EXPECT_EQ(fold["copies"], 2 * fold["training_clips"].get<int>());
  const auto environment = nlohmann::json::parse(small.bytes("environment.json"));
  EXPECT_EQ(environment["training_copies"], fold["copies"]);
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("no validation or test clip has a copy"));
  EXPECT_THAT(small.bytes("predictions.csv"), Not(HasSubstr("~")));
  EXPECT_THAT(small.bytes("split.csv"), Not(HasSubstr("~")));

  run(small.config(), small.workplace("plain"));
  const auto plain = nlohmann::json::parse(small.bytes("metrics.json", "plain/small"));
  EXPECT_FALSE(plain.contains("augmentation"));
  EXPECT_NE(small.bytes("model.safetensors"), small.bytes("model.safetensors", "plain/small"));
  EXPECT_EQ(small.bytes("split.csv"), small.bytes("split.csv", "plain/small"));
}

TEST(Augmentation, GivesTheSameBitsWithOtherThreadsAndFromTheCache) {
  SmallExperiment small;
  run(small.config({two_copies}), small.workplace());
  run(small.config({two_copies}), small.workplace("cached"));
  EXPECT_EQ(small.bytes("model.safetensors"), small.bytes("model.safetensors", "cached/small"));
  SmallExperiment other;
  other.context = Context(3);
  run(other.config({two_copies}), other.workplace());
  // Of the weights alone: configurations name their corpus' folders.
  const auto weights = [](const SmallExperiment& of) {
    std::vector<float> all;
    for (const auto& [name, array] : load_model(of.run_path() / "model.safetensors").weights) {
      all.insert(all.end(), array.span().begin(), array.span().end());
    }
    return all;
  };
  EXPECT_EQ(weights(small), weights(other));
}

TEST(Augmentation, IsPartOfWhatARunIs) {
  SmallExperiment small;
  run(small.config({two_copies}), small.workplace());
  EXPECT_TRUE(run(small.config({two_copies}), small.workplace()).was_finished);
  EXPECT_THAT(refusal([&] { run(small.config(), small.workplace()); }),
              HasSubstr("another configuration"));
  Workplace resuming = small.workplace();
  resuming.resume = true;
  EXPECT_THAT(refusal([&] { run(small.config(), resuming); }), HasSubstr("copies"));
}

TEST(Augmentation, RunsOfBeforeItAreStillTheSame) {
  SmallExperiment small;
  run(small.config(), small.workplace());
  std::string yaml = small.bytes("config.yaml");
  const auto begin = yaml.find("augmentation:"), end = yaml.find("split:");
  ASSERT_LT(begin, end);
  yaml.erase(begin, end - begin);
  write_bytes(small.run_path() / "config.yaml", yaml);
  EXPECT_TRUE(run(small.config(), small.workplace()).was_finished);
  EXPECT_THAT(refusal([&] { run(small.config({two_copies}), small.workplace()); }),
              HasSubstr("another configuration"));
}

TEST(Augmentation, ResumesToTheSameBits) {
  SmallExperiment small;
  run(small.config({two_copies}), small.workplace("whole"));
  small.listener.interrupted_task = small.trainings().at(0);
  small.listener.interrupted_after = 40;  // of 64 batches
  EXPECT_THROW(run(small.config({two_copies}), small.workplace()), test::Listener::Interruption);
  small.listener.interrupted_task.clear();
  ASSERT_TRUE(small.has("last.safetensors"));
  EXPECT_FALSE(small.has("metrics.json"));
  run(small.config({two_copies}), small.workplace());
  EXPECT_THAT(small.listener.notes, Contains(HasSubstr("resumed after epoch")));
  EXPECT_EQ(small.bytes("model.safetensors"), small.bytes("model.safetensors", "whole/small"));
}

TEST(Augmentation, ExtractFillsWhatTrainNeeds) {
  SmallExperiment small;
  extract(small.config(), small.workplace());
  EXPECT_THAT(refusal([&] { train(small.config({two_copies}), small.workplace()); }),
              AllOf(HasSubstr("copies {speed: [0.9, 1.1]}"), HasSubstr("serenade extract")));
  const ExtractionReport report = extract(small.config({two_copies}), small.workplace());
  EXPECT_EQ(report.extracted, report.copies);
  EXPECT_GT(report.copies, 0);
  train(small.config({two_copies}), small.workplace());
  EXPECT_TRUE(evaluate(RunFolder(small.run_path()), small.workplace()).copies.size() == 1);
}

TEST(Augmentation, RefusesCopiesOfWhatIsAlsoATestClip) {
  SmallExperiment small(3);
  // Every clip once more as its second repetition, on whichever side the draw puts it.
  for (const fs::path& clip : small.clips) {
    std::string name = clip.filename().string();
    ASSERT_EQ(name.substr(15, 2), "01");
    fs::copy_file(clip, clip.parent_path() / name.replace(15, 2, "02"));
  }
  const std::string allow = "corpus.duplicates=allow";
  EXPECT_THAT(refusal([&] {
                run(small.config({allow, two_copies}), small.workplace());
              }),
              HasSubstr("has the same bytes"));
  EXPECT_EQ(refusal([&] { run(small.config({allow}), small.workplace()); }), "");
  EXPECT_EQ(refusal([&] { run(small.config({two_copies}), small.workplace("together")); }), "");
}

}  // namespace
}  // namespace serenade
