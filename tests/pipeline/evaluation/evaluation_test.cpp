#include "pipeline/evaluation/evaluation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "kernels/device/error.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/result_text.h"
#include "pipeline/evaluation/summary.h"
#include "pipeline/metrics/classification_report.h"
#include "pipeline/metrics/columns.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

ClipPrediction clip(const std::string& fold, const std::string& label,
                    const std::string& predicted) {
  return {"id", "file.wav", "1", label, predicted, {0.5F, 0.5F}, fold, {}, {}};
}

TEST(Evaluation, ScoresEachFoldAndAllTogether) {
  const std::vector<std::string> labels{"calm", "angry"};
  // Fold "b": 3 of 4 right; fold "a": 1 of 2 right.
  const std::vector<ClipPrediction> rows{clip("b", "calm", "calm"),   clip("b", "calm", "calm"),
                                         clip("b", "calm", "angry"),  clip("a", "calm", "calm"),
                                         clip("b", "angry", "angry"), clip("a", "angry", "calm"),
                                         clip("a", "", "calm")};
  const Evaluation evaluation = evaluate_predictions(labels, rows);
  ASSERT_EQ(evaluation.folds.size(), 2U);
  EXPECT_EQ(evaluation.folds[0].name, "b");
  EXPECT_DOUBLE_EQ(evaluation.folds[0].scores.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(evaluation.folds[0].scores.uar, (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(evaluation.folds[1].scores.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(evaluation.accuracy.mean, 0.625);
  EXPECT_DOUBLE_EQ(evaluation.accuracy.deviation, 0.25 / std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(evaluation.pooled_scores.accuracy, 4.0 / 6);
  EXPECT_EQ(evaluation.pooled(0, 1), 1);
  EXPECT_EQ(evaluation.pooled(1, 0), 1);
  EXPECT_EQ(evaluation.unlabelled, 1);
}

TEST(Evaluation, UnknownClassesAndEmptyPartsAreErrors) {
  const std::vector<std::string> labels{"calm", "angry"};
  const std::vector<ClipPrediction> strange{clip("a", "bored", "calm")};
  EXPECT_THAT([&] { (void)evaluate_predictions(labels, strange); },
              ThrowsMessage<DataError>(HasSubstr("class \"bored\" is none of the model's: calm")));
  EXPECT_THROW(evaluate_predictions(labels, {}), ShapeError);
  const std::vector<ClipPrediction> unlabelled{clip("a", "", "calm")};
  EXPECT_THROW(evaluate_predictions(labels, unlabelled), ShapeError);
}

TEST(Summary, SaysWhatWasMeasured) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 1, 5);
  const std::string text = summary_text(data);
  EXPECT_THAT(text, HasSubstr("protocol random: 285 test clips, 8 classes\n"));
  const Evaluation& evaluation = data.evaluation;
  const ScoreIntervals& intervals = *evaluation.pooled_intervals;
  std::string row = "test part          ";
  for (const auto& [score, interval] : {std::pair(evaluation.accuracy.mean, intervals.accuracy),
                                        std::pair(evaluation.uar.mean, intervals.uar),
                                        std::pair(evaluation.macro_f1.mean, intervals.macro_f1)}) {
    row += fmt::format(" {:>8}  {:<11}", percent(score), percent_interval(interval, "-"));
  }
  EXPECT_THAT(text, HasSubstr(row + "     285\n"));
  EXPECT_THAT(text,
              HasSubstr("95 % percentile bootstrap intervals from 200 resamples of 285 clips"));
  EXPECT_THAT(text, HasSubstr("\n" + percent(evaluation.calibration.expected_error) + " %.\n"));
  EXPECT_THAT(text,
              HasSubstr(classification_report(data.evaluation.pooled, data.evaluation.labels)));
  EXPECT_THAT(text, HasSubstr("warning: 1 file could not be read"));
}

TEST(Summary, FoldsHaveARowEachAndWhatTheyComeTo) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 6, 5);
  const std::string text = summary_text(data);
  const Evaluation& evaluation = data.evaluation;
  for (const FoldScores& fold : evaluation.folds) {
    EXPECT_THAT(text,
                HasSubstr(fmt::format("{:<19} {:>8}  {}", fold.name, percent(fold.scores.accuracy),
                                      percent_interval(fold.intervals->accuracy, "-"))));
  }
  EXPECT_THAT(text, HasSubstr(fmt::format("\nmean {:>23}", percent(evaluation.accuracy.mean))));
  EXPECT_THAT(text, HasSubstr("over 6 folds"));
  EXPECT_THAT(text, HasSubstr("resamples of 18 speakers"));
  const GuessScores& majority = evaluation.baselines.front().scores;
  EXPECT_THAT(text, HasSubstr(fmt::format("most frequent class {:>8} {:>21}",
                                          percent(majority.accuracy), percent(majority.uar))));
}

TEST(Summary, CountsAClipOnceWhateverTheSeeds) {
  const std::string text = summary_text(test::seeds_report(2, 1));
  EXPECT_THAT(text, HasSubstr("protocol random: 285 test clips, 8 classes\n"));
  EXPECT_THAT(text, HasSubstr("All seeds together, each clip counted once for each seed:\n\n"));
  EXPECT_THAT(text, Not(HasSubstr("fold")));
  EXPECT_THAT(summary_text(test::seeds_report(2, 6)),
              HasSubstr("All folds and seeds together, each clip counted once for each seed:\n"));
}

TEST(Summary, SaysWhichOfTheClassesAnotherCorpusHas) {
  ReportData data = test::sample_report(test::ravdess_labels(), 1, 1);
  data.tested_on = "emodb";
  data.evaluation.pooled_scores.per_class[1].support = 0;
  EXPECT_THAT(summary_text(data), HasSubstr(": 285 test clips of emodb, 7 of 8 classes\n"));
}

TEST(Summary, SaysWhyAFoldHasNoInterval) {
  ReportData data = test::sample_report(test::ravdess_labels(), 6, 1);
  EXPECT_THAT(summary_text(data), Not(HasSubstr("none where")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Interval none{nan, nan};
  data.evaluation.folds[2].intervals = ScoreIntervals{none, none, none, 1};
  EXPECT_THAT(summary_text(data), HasSubstr("18 speakers, none where one speaker"));
}

TEST(Summary, FitsATerminalAndIsAligned) {
  for (const int folds : {1, 6}) {
    const std::string text = summary_text(test::sample_report(test::ravdess_labels(), folds, 5));
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = text.find('\n', start);
      const std::string line = text.substr(start, end - start);
      EXPECT_LT(text_width(line), 100U) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
      start = end + 1;
    }
  }
}

TEST(ConfusionText, ShowsPerCentOfTheRow) {
  ConfusionMatrix confusion(2);
  confusion.add(0, 0);
  confusion.add(0, 0);
  confusion.add(0, 1);
  const std::vector<std::string> labels{"calm", "angry"};
  EXPECT_EQ(confusion_text(confusion, labels),
            "       calm  angry   clips\n"
            " calm    67     33       3\n"
            "angry     .      .       0\n");
}

TEST(ConfusionText, CutsTheLongestNamesOnlyAndOnlyWhereItMust) {
  const std::vector<std::string> labels{"sad", "surprised", "neutrality"};
  const ConfusionMatrix confusion(3);
  const auto heading = [&](std::size_t width) {
    const std::string text = confusion_text(confusion, labels, width);
    return text.substr(0, text.find('\n'));
  };
  // Row names take 10 letters, the clips 8, a column 2 more than its name, of at least 4 letters.
  EXPECT_EQ(heading(47), "             sad  surprised  neutrality   clips");
  EXPECT_EQ(heading(46), "             sad  surprised  neutralit   clips");
  EXPECT_EQ(heading(45), "             sad  surprise  neutrali   clips");
}

TEST(ConfusionText, NumbersTheColumnsWhenShortNamesAreTheSame) {
  ConfusionMatrix confusion(2);
  confusion.add(1, 0);
  const std::vector<std::string> labels{"anger in a quiet voice", "anger in a loud voice"};
  const std::string text = confusion_text(confusion, labels, 50);
  EXPECT_THAT(text, HasSubstr("  0 anger in a quiet voice"));
  EXPECT_THAT(text, HasSubstr("  1  anger in a loud voice"));
  EXPECT_THAT(confusion_text(confusion, labels, 98), Not(HasSubstr("  0 anger")));
  EXPECT_THROW(confusion_text(ConfusionMatrix(3), labels), ShapeError);
}

TEST(NumberText, IsWhatAReaderExpects) {
  EXPECT_EQ(percent(0.7025), "70.2");  // the nearest double is a little less than 0.7025
  EXPECT_EQ(percent(1, 0), "100");
  EXPECT_EQ(percent(std::numeric_limits<double>::quiet_NaN()), "n/a");
  EXPECT_EQ(whole_percent(0, 0), "0");
  EXPECT_EQ(whole_percent(1, 1000), "<1");
  EXPECT_EQ(whole_percent(2, 3), "67");
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(-1234567), "-1,234,567");
  EXPECT_EQ(duration_text(0.421), "0.42 s");
  EXPECT_EQ(duration_text(42.13), "42.1 s");
  EXPECT_EQ(duration_text(59.96), "1 min 00 s");
  EXPECT_EQ(duration_text(3599.6), "1 h 00 min");
  EXPECT_EQ(duration_text(-1), "n/a");
  EXPECT_EQ(counted(1, "clip", "clips"), "1 clip");
}

}  // namespace
}  // namespace serenade
