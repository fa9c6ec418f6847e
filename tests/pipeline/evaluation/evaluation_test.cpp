#include "pipeline/evaluation/evaluation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/summary.h"
#include "pipeline/metrics/classification_report.h"
#include "pipeline/metrics/columns.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

ClipPrediction clip(const std::string& fold, const std::string& label,
                    const std::string& predicted) {
  return {"id", "file.wav", "1", label, predicted, {}, fold};
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

TEST(MetricsJson, HasItsKeysInOrderAndTheScores) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 6, 5);
  const auto json = nlohmann::ordered_json::parse(metrics_json(data));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("format", "name", "config", "date", "seeds", "protocol", "corpus",
                                "labels", "test_clips", "unlabelled_clips", "mean",
                                "standard_deviation", "pooled", "folds", "notes", "warnings"));
  const Evaluation& evaluation = data.evaluation;
  EXPECT_EQ(json["mean"]["uar"].get<double>(), evaluation.uar.mean);
  EXPECT_EQ(json["standard_deviation"]["macro_f1"].get<double>(), evaluation.macro_f1.deviation);
  EXPECT_EQ(json["seeds"][0], 7);
  EXPECT_EQ(json["protocol"]["name"], "emobox");
  ASSERT_EQ(json["folds"].size(), 6U);
  for (std::size_t f = 0; f < 6; ++f) {
    const auto& fold = json["folds"][f];
    const FoldScores& expected = evaluation.folds[f];
    EXPECT_EQ(fold["name"], expected.name);
    EXPECT_EQ(fold["clips"].get<Index>(), expected.scores.clips);
    EXPECT_EQ(fold["accuracy"].get<double>(), expected.scores.accuracy);
    EXPECT_EQ(fold["best_epoch"].get<int>(), data.curves[f].best_epoch);
    for (Index i = 0; i < 8; ++i) {
      const auto k = static_cast<std::size_t>(i);
      EXPECT_EQ(fold["per_class"][k]["label"], evaluation.labels[k]);
      EXPECT_EQ(fold["per_class"][k]["recall"].get<double>(), expected.scores.per_class[k].recall);
      EXPECT_EQ(fold["per_class"][k]["f1"].get<double>(), expected.scores.per_class[k].f1);
      for (Index j = 0; j < 8; ++j) {
        EXPECT_EQ(fold["confusion"][k][static_cast<std::size_t>(j)].get<Index>(),
                  expected.confusion(i, j));
      }
    }
  }
}

TEST(MetricsJson, OneFoldHasNoDeviationAndBadBytesAreReplaced) {
  ReportData data = test::sample_report({"calm", "angry"}, 1, 1);
  data.title = "bad \xFF byte";
  const auto json = nlohmann::ordered_json::parse(metrics_json(data));
  EXPECT_TRUE(json["standard_deviation"]["accuracy"].is_null());
  EXPECT_EQ(json["name"], "bad \xEF\xBF\xBD byte");
}

TEST(Summary, SaysWhatWasMeasured) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 1, 5);
  const std::string text = summary_text(data);
  EXPECT_THAT(text, HasSubstr("protocol random: 285 test clips, 8 classes\n"));
  EXPECT_THAT(text, HasSubstr("accuracy   " + percent(data.evaluation.accuracy.mean) + " %\n"));
  EXPECT_THAT(text, HasSubstr("UAR        " + percent(data.evaluation.uar.mean) + " %\n"));
  EXPECT_THAT(text, HasSubstr("macro-F1   " + percent(data.evaluation.macro_f1.mean) + " %\n"));
  EXPECT_THAT(text,
              HasSubstr(classification_report(data.evaluation.pooled, data.evaluation.labels)));
  EXPECT_THAT(text, HasSubstr("warning: 1 file could not be read"));
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
            "        calm  angry   clips\n"
            " calm     67     33       3\n"
            "angry      .      .       0\n");
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
  EXPECT_EQ(percent_spread({0.5, 0.0123}), "50.0 ± 1.2");
  EXPECT_EQ(percent_spread({0.5, std::numeric_limits<double>::quiet_NaN()}), "50.0");
}

}  // namespace
}  // namespace serenade
