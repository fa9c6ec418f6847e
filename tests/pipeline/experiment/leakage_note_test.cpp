#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/experiment/small_experiment.h"

namespace serenade {
namespace {

using test::SmallExperiment;
using testing::AllOf;
using testing::HasSubstr;

TEST(LeakageNote, RunTellsItOnceAndTheReportHasIt) {
  SmallExperiment small;
  const RunResult result = run(small.config({"training.epochs=1"}), small.workplace());
  std::vector<std::string> lines;
  for (const auto& note : small.listener.notes) {
    if (note.starts_with("leakage: ")) lines.push_back(note);
  }
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("of 30 test clips, 30 (100 %) are by speakers"),
                              HasSubstr("0 (0 %) are copies")));
  ASSERT_TRUE(result.report);
  ASSERT_EQ(result.report->leakage.size(), 1U);
  EXPECT_EQ(result.report->leakage[0].test_clips, 30);
  EXPECT_GT(result.report->leakage[0].same_utterance, 0);
  EXPECT_THAT(small.bytes("report.html"), HasSubstr("<h2>Leakage</h2>"));
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  const LeakageRow& row = result.report->leakage[0];
  EXPECT_EQ(metrics["leakage"], nlohmann::json::array({{{"fold", ""},
                                                        {"test_clips", 30},
                                                        {"same_speaker", 30},
                                                        {"same_utterance", row.same_utterance},
                                                        {"same_content", 0},
                                                        {"statement_unknown", 0}}}));
  EXPECT_EQ(metrics["leakage_overall"]["same_utterance"], row.same_utterance);
}

TEST(LeakageNote, EveryFoldOfASpeakerSplitHasNone) {
  SmallExperiment small(4);
  const RunResult result =
      run(small.config({"training.epochs=1", "split.protocol=speaker-kfold", "split.folds=2"}),
          small.workplace());
  ASSERT_TRUE(result.report);
  ASSERT_EQ(result.report->leakage.size(), 2U);
  for (const LeakageRow& fold : result.report->leakage) {
    EXPECT_THAT(fold.fold, HasSubstr("fold-"));
    EXPECT_EQ(fold.test_clips, 30);
    EXPECT_EQ(fold.same_speaker + fold.same_utterance + fold.same_content, 0);
  }
  // Each fold's own figures are in its own folder, and no other's.
  const auto metrics = nlohmann::json::parse(small.bytes("metrics.json"));
  EXPECT_EQ(metrics["leakage_overall"]["test_clips"], 60);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(metrics["leakage"][k]["fold"], metrics["folds"][k]["name"]);
    const auto own = nlohmann::json::parse(small.bytes(fmt::format("fold-{}/metrics.json", k + 1)));
    EXPECT_EQ(own["leakage"], nlohmann::json::array({metrics["leakage"][k]}));
    EXPECT_EQ(own["leakage_overall"]["test_clips"], 30);
  }
}

}  // namespace
}  // namespace serenade
