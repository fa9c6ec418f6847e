#include "pipeline/experiment/cross_corpus.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using testing::Contains;
using testing::HasSubstr;

template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A trained run, and clips named as EMO-DB's: happy, sad, angry and bored ones of three speakers.
class OnAnotherCorpus : public testing::Test {
 protected:
  OnAnotherCorpus() {
    run(small_.config({"seeds=[3, 4]", "training.epochs=2"}), small_.workplace());
    std::uint64_t seed = 5000;
    for (const int speaker : {3, 8, 9}) {
      for (const char emotion : {'F', 'T', 'W', 'L'}) {
        for (const char* text : {"a01", "b02"}) {
          const auto path = other() / fmt::format("{:02}{}{}a.wav", speaker, text, emotion);
          test::write_sound(path, test::noisy_sine(1600, 150.0 + 40 * emotion, 8000, ++seed), 8000);
          clips_.push_back(path);
        }
      }
    }
  }
  fs::path other() const { return small_.folder / "other"; }
  ReportData evaluate_other(std::vector<std::string> words = {}, bool force = false) {
    words.insert(words.begin(), "corpus.path=" + other().string());
    Workplace place = small_.workplace();
    place.force = force;
    return evaluate_on(RunFolder::open(small_.run_path()), corpus_from_words(words), place);
  }

  SmallExperiment small_;
  std::vector<fs::path> clips_;
};

TEST_F(OnAnotherCorpus, ScoresTheCommonLabels) {
  const std::string before = small_.bytes("metrics.json");
  const ReportData report = evaluate_other();
  EXPECT_EQ(report.protocol.name, "cross-corpus");
  EXPECT_TRUE(report.protocol.speaker_independent);
  EXPECT_EQ(report.evaluation.pooled_scores.clips, 18);
  EXPECT_EQ(report.evaluation.labels.size(), 8U);
  EXPECT_THAT(report.notes, Contains(HasSubstr("6 clips of labels that the model does not know")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("calm, fearful, disgust, surprised")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("means over the run's 2 networks")));
  // UAR is of the three classes that have clips.
  double recalls = 0;
  for (const ClassScores& one : report.evaluation.pooled_scores.per_class) recalls += one.recall;
  EXPECT_DOUBLE_EQ(report.evaluation.pooled_scores.uar, recalls / 3);
  for (const char* file : {"predictions.csv", "metrics.json", "report.html"}) {
    EXPECT_TRUE(small_.has(std::string("on-emodb/") + file)) << file;
  }
  EXPECT_EQ(small_.bytes("metrics.json"), before);

  // The same bits as predict's.
  const PredictionTable table = parse_predictions(small_.bytes("on-emodb/predictions.csv"));
  ASSERT_EQ(table.rows.size(), 18U);
  std::vector<fs::path> files;
  for (const ClipPrediction& row : table.rows) files.emplace_back(row.path);
  std::size_t at = 0;
  Predictor(small_.run_path())
      .predict(small_.context, files, small_.listener, [&](const FilePrediction& one) {
        EXPECT_EQ(one.clip.probabilities, table.rows[at].probabilities) << one.clip.path;
        ++at;
      });
}

TEST_F(OnAnotherCorpus, OverwritesNothingUnlessForced) {
  evaluate_other();
  EXPECT_THAT(refusal([&] { evaluate_other(); }), HasSubstr("on-emodb: holds results already"));
  evaluate_other({}, true);
  evaluate_other({"corpus.title=Berlin/2"});
  EXPECT_TRUE(small_.has("on-Berlin_2/metrics.json"));
}

TEST_F(OnAnotherCorpus, RefusesWhatWasHeardInTraining) {
  std::vector<fs::path> trained, tested;
  const std::string split = small_.bytes("split.csv");
  for (const fs::path& clip : small_.clips) {
    const auto line = split.find(clip.stem().string());
    const auto end = split.find('\n', line);
    const bool test = split.substr(line, end - line).ends_with("test");
    (test ? tested : trained).push_back(clip);
  }
  ASSERT_GT(tested.size(), 2U);
  // Of the test part only: nothing is wrong with that.
  fs::copy_file(tested[0], clips_[0], fs::copy_options::overwrite_existing);
  evaluate_other();
  for (const std::size_t i : {1U, 7U}) {
    fs::copy_file(trained[i], clips_[i], fs::copy_options::overwrite_existing);
  }
  const std::string text = refusal([&] { evaluate_other({}, true); });
  EXPECT_THAT(text, HasSubstr("2 of 24 recordings are among those that"));
  EXPECT_THAT(text, HasSubstr(clips_[1].string()));
  EXPECT_THAT(text, HasSubstr(clips_[7].string()));
}

TEST_F(OnAnotherCorpus, NeedsACommonLabelAndACorpus) {
  for (const fs::path& clip : clips_) {
    if (clip.stem().string()[5] != 'L') fs::remove(clip);
  }
  const std::string text = refusal([&] { evaluate_other(); });
  EXPECT_THAT(text, HasSubstr("no clip of this corpus has a label of the model"));
  EXPECT_THROW(corpus_from_words({"seed=3"}), ConfigError);
  EXPECT_THROW(corpus_from_words({"corpus.paht=x"}), ConfigError);
}

/// Labels are joined to features by content, and nothing depends on where files are or in which
/// order they are found.
TEST(ShuffledCorpus, GivesTheSameModel) {
  SmallExperiment small;
  run(small.config(), small.workplace("one"));
  fs::create_directories(small.folder / "aside");
  std::vector<fs::path> clips = small.clips;
  std::sort(clips.begin(), clips.end(), [](const fs::path& a, const fs::path& b) {
    return hash_text(a.filename().string()) < hash_text(b.filename().string());
  });
  for (const fs::path& clip : clips) fs::rename(clip, small.folder / "aside" / clip.filename());
  fs::remove_all(small.folder / "corpus");
  for (std::size_t i = 0; i < clips.size(); ++i) {
    const fs::path folder = small.folder / "corpus" / fmt::format("{}/x{}", i % 7, i % 3);
    fs::create_directories(folder);
    fs::copy_file(small.folder / "aside" / clips[i].filename(), folder / clips[i].filename());
  }
  for (const bool cached : {true, false}) {
    if (!cached) fs::remove_all(small.folder / "cache");
    const std::string runs = cached ? "cached" : "anew";
    run(small.config(), small.workplace(runs));
    EXPECT_EQ(small.bytes("model.safetensors", runs + "/small"),
              small.bytes("model.safetensors", "one/small"));
    EXPECT_EQ(small.bytes("split.csv", runs + "/small"), small.bytes("split.csv", "one/small"));
  }
}

}  // namespace
}  // namespace serenade
