#include "pipeline/experiment/compare.h"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "pipeline/evaluation/predictions.h"
#include "pipeline/evaluation/seed_averages.h"
#include "pipeline/experiment/experiment.h"
#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

using test::read_bytes;
using test::refusal;
using test::SmallExperiment;
using test::write_bytes;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// Runs that are trained and scored.
class Runs : public testing::Test {
 protected:
  std::filesystem::path make(const std::string& name, std::vector<std::string> overrides) {
    overrides.push_back("name=" + name);
    run(small_.config(overrides), small_.workplace());
    return small_.run_path(name);
  }
  std::vector<ClipPrediction> together(const std::filesystem::path& run) const {
    const PredictionTable table = parse_predictions(read_bytes(run / "predictions.csv"));
    return averaged_over_seeds(table.labels, table.rows);
  }
  Comparison compare(const std::vector<std::filesystem::path>& runs) {
    return compare_runs(small_.context, runs);
  }

  SmallExperiment small_;
};

TEST_F(Runs, AreComparedClipByClipByWhatTheirSeedsSayTogether) {
  const auto first = make("first", {"seeds=[3, 4, 5]"});
  const auto second = make("second", {"model.layers.0.conv1d.filters=24", "training.epochs=8"});
  const Comparison comparison = compare({first, second});
  const auto a = together(first), b = together(second);
  ASSERT_EQ(a.size(), b.size());
  std::map<std::string, const ClipPrediction*> of_b;
  for (const ClipPrediction& clip : b) of_b[clip.id] = &clip;
  Index first_only = 0, second_only = 0, right = 0;
  for (const ClipPrediction& clip : a) {
    const bool one = clip.predicted == clip.label;
    const bool other = of_b.at(clip.id)->predicted == clip.label;
    right += one ? 1 : 0;
    first_only += one && !other ? 1 : 0;
    second_only += other && !one ? 1 : 0;
  }
  ASSERT_GT(first_only + second_only, 0);
  ASSERT_EQ(comparison.runs.size(), 2U);
  EXPECT_EQ(comparison.clips, 30);
  EXPECT_DOUBLE_EQ(comparison.runs[0].scores.accuracy, static_cast<double>(right) / 30);
  EXPECT_EQ(comparison.runs[0].seeds, 3U);
  EXPECT_EQ(comparison.runs[1].mcnemar->first_only, first_only);
  EXPECT_EQ(comparison.runs[1].mcnemar->second_only, second_only);
  EXPECT_DOUBLE_EQ(comparison.runs[1].differences->accuracy,
                   comparison.runs[1].scores.accuracy - comparison.runs[0].scores.accuracy);
  EXPECT_EQ(comparison.resampled, Resampled::clips);
  EXPECT_EQ(comparison.runs[1].differences->intervals.clusters, 30);
  EXPECT_TRUE(comparison.notes.empty());

  const std::string text = comparison_text(comparison);
  EXPECT_THAT(text, AllOf(HasSubstr("30 test clips compared"), HasSubstr("ensemble of 3 seeds"),
                          HasSubstr("McNemar   p "), HasSubstr("resamples of 30 clips")));
  const auto json = nlohmann::json::parse(comparison_json(comparison));
  EXPECT_TRUE(json["runs"][0]["against_first"].is_null());
  EXPECT_EQ(json["runs"][1]["against_first"]["mcnemar"]["second_only"], second_only);
  const std::string csv = comparison_csv(comparison);
  const auto fields = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
  std::istringstream lines(csv);
  std::string line;
  while (std::getline(lines, line)) EXPECT_EQ(fields(line), 16) << line;
}

TEST_F(Runs, OfAnotherProtocolAreComparedOnCommonClipsAndSayIt) {
  const auto random = make("random", {});
  const auto emobox = make(
      "emobox", {"split.protocol=emobox", "split.validation=0", "training.checkpoint.keep=last"});
  const Comparison comparison = compare({random, emobox});
  EXPECT_EQ(comparison.clips, 30);
  EXPECT_THAT(comparison.notes,
              AllOf(Contains(HasSubstr("tested 120 clips, of which 30 are common")),
                    Contains(HasSubstr("only the 30 common clips are compared")),
                    Contains(HasSubstr("different protocols (emobox, random)"))));
  EXPECT_EQ(comparison.resampled, Resampled::clips);
  // Speakers are drawn where no run heard a test speaker.
  const auto loso =
      make("loso", {"split.protocol=loso", "split.validation=0", "training.checkpoint.keep=last"});
  const Comparison unseen = compare({emobox, loso});
  EXPECT_EQ(unseen.resampled, Resampled::speakers);
  EXPECT_EQ(unseen.runs[1].differences->intervals.clusters, 2);
  EXPECT_THAT(comparison_text(unseen), HasSubstr("resamples of 2 speakers"));
  // By speaker the split is the same, and what is known of the test speakers is not.
  const auto by_speaker =
      make("by_speaker", {"split.protocol=emobox", "split.validation=0",
                          "training.checkpoint.keep=last", "model.normalisation=speaker"});
  const Comparison known = compare({emobox, by_speaker});
  EXPECT_THAT(known.notes, AllOf(Contains(HasSubstr("ends in +speaker-norm heard")),
                                 Not(Contains(HasSubstr("different protocols")))));
  EXPECT_THAT(compare({by_speaker, loso}).notes,
              AllOf(Contains(HasSubstr("ends in +speaker-norm heard")),
                    Contains(HasSubstr("different protocols (emobox+speaker-norm, loso)"))));
}

TEST_F(Runs, WithTooLittleInCommonAreRefused) {
  const auto first = make("first", {});
  const auto other = make("other", {"seed=8"});
  EXPECT_THAT(refusal([&] {
                compare({first, other});
              }),
              HasSubstr("too few to say anything (at least 30 are needed)"));
  // The same ids, other recordings: a corpus that was made anew.
  for (const auto& clip : small_.clips) {
    std::string bytes = read_bytes(clip);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    write_bytes(clip, bytes);
  }
  const auto changed = make("changed", {});
  EXPECT_THAT(refusal([&] {
                compare({first, changed});
              }),
              AllOf(HasSubstr("no test clip in common"), HasSubstr("different recordings")));
  EXPECT_THAT(refusal([&] { compare({first}); }), HasSubstr("at least two runs"));
  EXPECT_THAT(refusal([&] {
                compare({first, small_.folder / "absent"});
              }),
              HasSubstr("no such run folder"));
  std::filesystem::remove(changed / "metrics.json");
  EXPECT_THAT(refusal([&] {
                compare({first, changed});
              }),
              HasSubstr("holds no results (metrics.json is missing)"));
  write_bytes(changed / "metrics.json", "{\"name\": 3}");
  EXPECT_THAT(refusal([&] {
                compare({first, changed});
              }),
              HasSubstr("metrics.json: is not what a run writes"));
  const auto merged = make("merged", {"corpus.labels={calm: neutral}"});
  EXPECT_THAT(refusal([&] { compare({merged, other}); }), HasSubstr("different classes"));
}

TEST_F(Runs, OfSeveralSplitsAreMatchedFoldByFold) {
  const auto first = make("first", {"split.seeds=[1, 2, 3]", "training.epochs=1"});
  const auto second = make("second", {"split.seeds=[1, 2, 3]", "training.epochs=3"});
  const Comparison comparison = compare({first, second});
  EXPECT_EQ(comparison.clips, 90);
  EXPECT_LT(comparison.runs[1].differences->intervals.clusters, 90);
  EXPECT_THAT(comparison.notes, Contains(HasSubstr("tested in several folds")));
}

TEST_F(Runs, OfSeveralProtocolsMakeAPage) {
  const auto random = make("random", {"seeds=[3, 4]"});
  const auto grouped = make("grouped", {"seeds=[3, 4]", "split.protocol=random-grouped"});
  const auto unseen = make("unseen", {"seeds=[3, 4]", "split.protocol=emobox", "split.validation=0",
                                      "training.checkpoint.keep=last"});
  const ProtocolComparison page = compare_protocols({random, grouped, unseen});
  const auto metrics = nlohmann::json::parse(read_bytes(grouped / "metrics.json"));
  const std::string value =
      fmt::format("{:.1f} %</text>", 100 * metrics["mean"]["accuracy"].get<double>());
  EXPECT_THAT(page.html, HasSubstr(value));
  EXPECT_THAT(page.html, HasSubstr(metrics["protocol"]["description"].get<std::string>()));
  EXPECT_THAT(page.html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.html, HasSubstr("<dt>emobox</dt>"));
  EXPECT_THAT(page.text, HasSubstr("random-grouped"));
  // Checkpoints are kept otherwise in the third.
  EXPECT_THAT(page.text, HasSubstr("differ in more than their split (training)"));
  EXPECT_THAT(compare_protocols({random, grouped}).text, Not(HasSubstr("note:")));
}

}  // namespace
}  // namespace serenade
