#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/experiment/cross_corpus.h"
#include "pipeline/experiment/ensemble.h"
#include "pipeline/experiment/ensemble_file.h"
#include "pipeline/experiment/file_speakers.h"
#include "pipeline/experiment/predict.h"
#include "pipeline/experiment/run_ensemble.h"
#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::refusal;
using test::SmallExperiment;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

using Probabilities = std::map<std::string, std::vector<float>>;

/// Runs of one split that differ in seeds and in features.
class EnsembleOfRuns : public testing::Test {
 protected:
  void train(const std::string& name, std::vector<std::string> words = {}) {
    words.insert(words.end(), {"name=" + name, "training.epochs=2"});
    run(small_.config(words), small_.workplace());
  }
  ReportData combine(const std::vector<std::string>& names, bool force = false,
                     const std::string& name = "both") {
    std::vector<fs::path> runs;
    for (const std::string& one : names) runs.push_back(small_.run_path(one));
    Workplace place = small_.workplace();
    place.force = force;
    return combine_runs(runs, name, place);
  }
  Probabilities predicted(const std::string& run, const std::vector<std::string>& speakers = {}) {
    Probabilities all;
    Predictor predictor(small_.run_path(run));
    predictor.predict(
        small_.context, small_.clips, small_.listener,
        [&](const FilePrediction& one) { all[one.clip.path] = one.clip.probabilities; }, speakers);
    return all;
  }
  PredictionTable table(const std::string& run) const {
    return parse_predictions(small_.bytes("predictions.csv", "runs/" + run));
  }

  SmallExperiment small_;
};

/// Two folds, each tested on one of the two actors.
const std::vector<std::string> two_folds = {"split.protocol=speaker-kfold", "split.folds=2",
                                            "split.validation=0", "training.checkpoint.keep=last"};
const std::string other_features = "features.extract=[rms, zero_crossing_rate]";

TEST_F(EnsembleOfRuns, AveragesRunsThatCountTheSame) {
  train("a", {"seeds=[3, 4]"});
  train("b", {other_features, "model.normalisation=clip", "model.frames=8"});
  const ReportData report = combine({"a", "b"});
  EXPECT_EQ(report.title, "both");
  EXPECT_EQ(report.protocol.name, "random");
  EXPECT_THAT(report.notes, Contains(HasSubstr("an ensemble of 2 runs")));
  EXPECT_THAT(report.notes, Contains(HasSubstr("a: 2 networks; accuracy")));

  const auto a = table("a").rows, b = table("b").rows, both = table("both").rows;
  ASSERT_THAT(both, SizeIs(30));
  ASSERT_THAT(a, SizeIs(60));
  std::map<std::string, std::vector<std::vector<float>>> of_a;
  for (const ClipPrediction& clip : a) of_a[clip.id].push_back(clip.probabilities);
  Index right = 0;
  for (std::size_t i = 0; i < both.size(); ++i) {
    ASSERT_EQ(both[i].id, b[i].id);
    EXPECT_FALSE(both[i].seed);
    const auto& seeds = of_a.at(both[i].id);
    for (std::size_t c = 0; c < 8; ++c) {
      const float of_run = (seeds[0][c] + seeds[1][c]) / 2;
      EXPECT_EQ(both[i].probabilities[c], (of_run + b[i].probabilities[c]) / 2) << both[i].id;
    }
    right += both[i].predicted == both[i].label ? 1 : 0;
  }
  EXPECT_DOUBLE_EQ(report.evaluation.accuracy.mean, static_cast<double>(right) / 30);

  // Predicts the same bits, and is scored to the same again.
  const Ensemble networks(small_.run_path("both"));
  EXPECT_EQ(networks.size(), 3U);
  EXPECT_THAT(networks.kinds(), SizeIs(2));
  const Probabilities all = predicted("both");
  for (const ClipPrediction& clip : both) EXPECT_EQ(all.at(clip.path), clip.probabilities);
  const std::string before = small_.bytes("predictions.csv", "runs/both");
  fs::remove(small_.run_path("both") / "metrics.json");
  fs::remove(small_.run_path("both") / "predictions.csv");
  evaluate(RunFolder::open(small_.run_path("both")), small_.workplace());
  EXPECT_EQ(small_.bytes("predictions.csv", "runs/both"), before);
  EXPECT_TRUE(small_.has("metrics.json", "runs/both"));
}

TEST_F(EnsembleOfRuns, OfFoldsAveragesWithinEachFold) {
  std::vector<std::string> another_seed = two_folds;
  another_seed.emplace_back("seeds=[9]");
  train("a", two_folds);
  train("b", another_seed);
  combine({"a", "b"});
  const auto a = table("a").rows, b = table("b").rows, both = table("both").rows;
  ASSERT_THAT(both, SizeIs(120));
  for (std::size_t i = 0; i < both.size(); ++i) {
    EXPECT_EQ(both[i].fold, a[i].fold);
    for (std::size_t c = 0; c < 8; ++c) {
      EXPECT_EQ(both[i].probabilities[c], (a[i].probabilities[c] + b[i].probabilities[c]) / 2);
    }
  }
}

TEST_F(EnsembleOfRuns, RefusesTestClipsThatAnotherRunLearnedFrom) {
  train("a");
  train("b", {"seed=8"});  // another split
  const std::string text = refusal([&] { combine({"a", "b"}); });
  EXPECT_THAT(text, HasSubstr("were in the training or validation part of"));
  EXPECT_THAT(text, HasSubstr("they would answer from memory"));
  EXPECT_FALSE(small_.has("ensemble.json", "runs/both"));

  // One clip of the test part, under another name, is enough.
  train("c", {"seeds=[5]"});
  const fs::path path = small_.run_path("c") / "split.csv";
  std::string split = test::read_bytes(path);
  const auto tested = split.find(",test\n");
  split.replace(tested, 6, ",training\n");
  test::write_bytes(path, split);
  EXPECT_THAT(refusal([&] { combine({"a", "c"}); }), HasSubstr("1 of the 30 clips that"));
  EXPECT_THAT(refusal([&] { combine({"c", "a"}); }), HasSubstr("1 of the 30 clips that"));
}

TEST_F(EnsembleOfRuns, RefusesRunsThatDoNotGoTogether) {
  train("a");
  train("merged", {"corpus.labels={calm: neutral}"});
  train("folds", two_folds);
  train("fewer", {"seeds=[2]"});
  EXPECT_THAT(refusal([&] { combine({"a"}); }), HasSubstr("two runs or more"));
  EXPECT_THAT(refusal([&] { combine({"a", "a"}); }), HasSubstr("stands twice"));
  EXPECT_THAT(refusal([&] { combine({"a", "merged"}); }), HasSubstr("their labels are"));
  EXPECT_THAT(refusal([&] { combine({"a", "folds"}); }), HasSubstr("their folds are"));
  EXPECT_THAT(refusal([&] { combine({"a", "absent"}); }), HasSubstr("no such run folder"));
  EXPECT_THAT(refusal([&] {
                combine({"a", "fewer"}, false, "a");
              }),
              HasSubstr("is one of the runs"));
  EXPECT_THROW(combine({"a", "fewer"}, false, "../x"), ConfigError);

  combine({"a", "fewer"});
  EXPECT_THAT(refusal([&] { combine({"a", "fewer"}); }), HasSubstr("holds a run or an ensemble"));
  EXPECT_THAT(refusal([&] {
                combine({"both", "a"}, false, "nested");
              }),
              HasSubstr("is an ensemble itself"));
  combine({"fewer", "a"}, true);
  // A training does not overwrite it unasked, and takes all of it away where it does.
  EXPECT_THAT(refusal([&] { train("both"); }), HasSubstr("of another configuration"));
  Workplace place = small_.workplace();
  place.force = true;
  run(small_.config({"name=both", "training.epochs=1"}), place);
  EXPECT_FALSE(small_.has("ensemble.json", "runs/both"));

  // A split with fewer clips: the test part is the same, what is known is not.
  const fs::path path = small_.run_path("fewer") / "split.csv";
  std::string split = test::read_bytes(path);
  const auto end = split.find(",training\n") + 10;
  const auto begin = split.rfind('\n', end - 2) + 1;
  test::write_bytes(path, split.erase(begin, end - begin));
  EXPECT_THAT(refusal([&] {
                combine({"a", "fewer"}, true);
              }),
              HasSubstr("their recordings, speakers or labels are not the same"));
}

TEST_F(EnsembleOfRuns, NoticesThatARunChanged) {
  train("a");
  train("b", {"seeds=[2]"});
  combine({"a", "b"});
  fs::rename(small_.folder / "runs", small_.folder / "moved");  // together they may move
  EXPECT_EQ(Ensemble(small_.folder / "moved/both").size(), 2U);
  fs::rename(small_.folder / "moved", small_.folder / "runs");

  Workplace place = small_.workplace();
  place.force = true;
  run(small_.config({"name=b", "seeds=[3]", "training.epochs=2"}), place);
  const auto use = [&] { return refusal([&] { Ensemble networks(small_.run_path("both")); }); };
  EXPECT_THAT(use(), HasSubstr("is not the model that was combined"));
  EXPECT_THAT(refusal([&] { evaluate(RunFolder(small_.run_path("both")), small_.workplace()); }),
              HasSubstr("is not the model that was combined"));
  fs::remove_all(small_.run_path("b"));
  EXPECT_THAT(use(), HasSubstr("is not there"));
  for (const char* text :
       {"", "[]", "{\"format\": 2, \"runs\": []}", "{\"format\": 1, \"runs\": []}",
        "{\"format\": 1, \"runs\": [{\"path\": \"../a\", \"models\": []}]}",
        "{\"format\": 1, \"runs\": [{\"path\": 3}]}"}) {
    test::write_bytes(small_.run_path("both") / "ensemble.json", text);
    EXPECT_THAT(use(), HasSubstr("ensemble.json")) << text;
  }
}

TEST_F(EnsembleOfRuns, BySpeakerIsNamedSoAndAsksWhoSpeaks) {
  train("a");
  train("b", {other_features, "model.normalisation=speaker"});
  const ReportData report = combine({"a", "b"});
  EXPECT_EQ(report.protocol.name, "random+speaker-norm");
  EXPECT_THAT(refusal([&] { predicted("both"); }), HasSubstr("must be told who speaks"));
  const Probabilities all = predicted("both", speakers_of(small_.clips, "folder"));
  for (const ClipPrediction& clip : table("both").rows) {
    EXPECT_EQ(all.at(clip.path), clip.probabilities);
  }

  // On another corpus as well, by its own speakers.
  std::vector<fs::path> clips;
  std::uint64_t seed = 5000;
  for (const int speaker : {3, 8}) {
    for (const char emotion : {'F', 'T', 'L'}) {
      clips.push_back(small_.folder / "other" /
                      fmt::format("{0:02}/{0:02}a01{1}a.wav", speaker, emotion));
      test::write_sound(clips.back(), test::noisy_sine(1600, 150.0 + 3 * emotion, 8000, ++seed),
                        8000);
    }
  }
  const ReportData elsewhere = evaluate_on(
      RunFolder::open(small_.run_path("both")),
      corpus_from_words({"corpus.path=" + (small_.folder / "other").string()}), small_.workplace());
  EXPECT_EQ(elsewhere.protocol.name, "cross-corpus+speaker-norm");
  EXPECT_EQ(elsewhere.title, "both");
  EXPECT_EQ(elsewhere.evaluation.pooled_scores.clips, 4);
  EXPECT_THAT(elsewhere.notes, Contains(HasSubstr("means over 2 runs, of 2 networks")));
  small_.clips = clips;
  const Probabilities told = predicted("both", speakers_of(clips, "folder"));
  for (const ClipPrediction& clip :
       parse_predictions(small_.bytes("on-emodb/predictions.csv", "runs/both")).rows) {
    EXPECT_EQ(told.at(clip.path), clip.probabilities) << clip.path;
  }
}

}  // namespace
}  // namespace serenade
