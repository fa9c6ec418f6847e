#include "pipeline/experiment/cross_corpus.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/evaluation/summary.h"
#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

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

/// Words that change the labels of the other corpus, and what they give.
class LabelMapOnAnotherCorpus : public OnAnotherCorpus {
 protected:
  /// Clips of each true class in metrics.json, those without any left out.
  std::map<std::string, int> supports() const {
    std::map<std::string, int> clips;
    const auto json = nlohmann::json::parse(small_.bytes("on-emodb/metrics.json"));
    for (const auto& one : json["pooled"]["per_class"]) {
      if (one["support"] > 0) clips[one["label"].get<std::string>()] = one["support"].get<int>();
    }
    return clips;
  }
};

TEST_F(LabelMapOnAnotherCorpus, MergesDropsAndRenames) {
  const ReportData report = evaluate_other(
      {"corpus.labels={bored: neutral, sad: neutral, angry: null, happy: surprised}"});
  EXPECT_EQ(supports(), (std::map<std::string, int>{{"neutral", 12}, {"surprised", 6}}));
  EXPECT_EQ(report.evaluation.pooled_scores.clips, 18);
  for (const ClipPrediction& row :
       parse_predictions(small_.bytes("on-emodb/predictions.csv")).rows) {
    const char letter = row.id[5];
    EXPECT_EQ(row.label, letter == 'F' ? "surprised" : "neutral") << row.id;
    EXPECT_NE(letter, 'W') << row.id;
  }
  const auto text = [&](const char* note) { return Contains(HasSubstr(note)); };
  EXPECT_THAT(report.notes, text("6 files of 'angry' are left out (corpus.labels)"));
  EXPECT_THAT(report.notes, text("no clip here has: calm, happy, sad, angry, fearful, disgust;"));
  EXPECT_THAT(report.notes, text("UAR is the mean recall of the other 2"));
  EXPECT_THAT(report.notes, testing::Not(text("labels that the model does not know")));
}

TEST_F(LabelMapOnAnotherCorpus, IntoWordsThatTheModelDoesNotKnowLeavesOut) {
  const ReportData report = evaluate_other({"corpus.labels={happy: joyful, sad: angry}"});
  EXPECT_EQ(supports(), (std::map<std::string, int>{{"angry", 12}}));
  EXPECT_THAT(report.notes,
              Contains(HasSubstr("12 clips of labels that the model does not know are left out: "
                                 "bored (6), joyful (6)")));
  EXPECT_THAT(refusal([&] { evaluate_other({"corpus.labels={calm: neutral}"}, true); }),
              HasSubstr("'calm' is no emotion of emodb"));
  EXPECT_THAT(refusal([&] {
                evaluate_other({"corpus.labels={happy: x, sad: x, angry: x, bored: x}"}, true);
              }),
              HasSubstr("no clip of this corpus has a label of the model"));
}

TEST_F(LabelMapOnAnotherCorpus, IsNotThatOfTheRun) {
  Workplace place = small_.workplace();
  place.force = true;
  run(small_.config({"corpus.labels={calm: neutral, happy: angry}", "training.epochs=1"}), place);
  const ReportData report = evaluate_other();
  // Its happy clips are not called angry; the model has none that are happy.
  EXPECT_EQ(supports(), (std::map<std::string, int>{{"angry", 6}, {"sad", 6}}));
  EXPECT_THAT(report.notes, Contains(HasSubstr("left out: bored (6), happy (6)")));
}

TEST_F(OnAnotherCorpus, SaysEverywhereWhichItIs) {
  const ReportData report = evaluate_other();
  EXPECT_EQ(report.tested_on, "emodb");
  EXPECT_THAT(summary_text(report), HasSubstr("test clips of emodb"));
  const auto json = nlohmann::json::parse(small_.bytes("on-emodb/metrics.json"));
  EXPECT_EQ(json["tested_on"], "emodb");
  EXPECT_TRUE(json["leakage"].empty());
  EXPECT_TRUE(json["leakage_overall"].is_null());
  EXPECT_THAT(small_.bytes("on-emodb/report.html"), HasSubstr("emodb"));
  // The run's own test part is none.
  EXPECT_EQ(evaluate(RunFolder::open(small_.run_path()), small_.workplace()).tested_on, "");
  EXPECT_TRUE(nlohmann::json::parse(small_.bytes("metrics.json"))["tested_on"].is_null());
}

TEST_F(OnAnotherCorpus, MayBeSeveralAtOnce) {
  test::write_savee_tree(small_.folder / "savee");
  const ReportData report = evaluate_other(
      {"corpus.title=Berlin", fmt::format("corpus.more=[{{path: {}, title: Surrey}}]",
                                          (small_.folder / "savee").string())});
  EXPECT_EQ(report.tested_on, "Berlin + Surrey");
  EXPECT_EQ(report.corpus.name, "Berlin + Surrey");
  EXPECT_EQ(report.evaluation.pooled_scores.clips, 18 + 84);
  ASSERT_TRUE(small_.has("on-Berlin___Surrey/metrics.json"));
  EXPECT_THAT(small_.bytes("on-Berlin___Surrey/predictions.csv"),
              AllOf(HasSubstr("Berlin/03a01Fa"), HasSubstr("Surrey/DC")));
}

}  // namespace
}  // namespace serenade
