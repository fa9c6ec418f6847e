#include "pipeline/evaluation/metrics_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using ::testing::ElementsAre;

TEST(MetricsJson, HasItsKeysInOrderAndTheScores) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 6, 5);
  const auto json = nlohmann::ordered_json::parse(metrics_json(data));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("format", "name", "config", "date", "seeds", "tested_on", "protocol",
                          "corpus", "labels", "test_clips", "unlabelled_clips", "leakage",
                          "leakage_overall", "bootstrap", "mean_over", "mean", "standard_deviation",
                          "pooled", "folds", "by_seed", "over_folds", "ensemble", "baselines",
                          "groups", "mistakes", "calibration", "notes", "warnings"));
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
    EXPECT_EQ(fold["seed"], 7);
    EXPECT_EQ(fold["intervals"]["uar"][1].get<double>(), expected.intervals->uar.high);
    EXPECT_EQ(fold["intervals"]["clusters"], 3);
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

TEST(MetricsJson, HasWhatTheReportShows) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 6, 5);
  const Evaluation& evaluation = data.evaluation;
  const auto json = nlohmann::ordered_json::parse(metrics_json(data));
  EXPECT_TRUE(json["tested_on"].is_null());
  EXPECT_EQ(json["bootstrap"]["resamples"], 200);
  EXPECT_EQ(json["bootstrap"]["confidence"], 0.95);
  EXPECT_EQ(json["bootstrap"]["resampled"], "speakers");
  EXPECT_EQ(json["mean_over"], "folds");
  EXPECT_TRUE(json["by_seed"].empty());
  EXPECT_EQ(json["pooled"]["intervals"]["accuracy"][0].get<double>(),
            evaluation.pooled_intervals->accuracy.low);
  ASSERT_EQ(json["baselines"].size(), 3U);
  EXPECT_EQ(json["baselines"][0]["name"], "most frequent class");
  EXPECT_EQ(json["baselines"][1]["macro_f1"].get<double>(),
            evaluation.baselines[1].scores.macro_f1);
  ASSERT_EQ(json["groups"].size(), 2U);
  EXPECT_EQ(json["groups"][1]["field"], "intensity");
  EXPECT_EQ(json["groups"][1]["values"][0]["value"], "normal");
  EXPECT_EQ(json["groups"][1]["values"][0]["uar"].get<double>(),
            evaluation.groups[1].values[0].uar);
  ASSERT_EQ(json["mistakes"].size(), 10U);
  EXPECT_EQ(json["mistakes"][0]["file"], evaluation.mistakes[0].path);
  EXPECT_EQ(json["mistakes"][0]["probability"].get<double>(), evaluation.mistakes[0].probability);
  ASSERT_EQ(json["calibration"]["bins"].size(), 10U);
  EXPECT_EQ(json["calibration"]["expected_error"].get<double>(),
            evaluation.calibration.expected_error);
  EXPECT_TRUE(json["calibration"]["bins"][0]["accuracy"].is_null());
}

TEST(MetricsJson, CountsAClipOnceWhateverTheSeeds) {
  const auto json = nlohmann::json::parse(metrics_json(test::seeds_report(2, 1)));
  EXPECT_EQ(json["test_clips"], 285);
  EXPECT_EQ(json["pooled"]["clips"], 570);
}

TEST(MetricsJson, HasTheLeakageOfEveryFold) {
  ReportData data = test::sample_report({"calm", "angry"}, 2, 1);
  data.leakage = {{"fold-1", 200, 1, 30, 15, 4}, {"fold-2", 180, 0, 6, 5, 0}};
  const auto json = nlohmann::ordered_json::parse(metrics_json(data));
  EXPECT_EQ(json["leakage"],
            nlohmann::ordered_json::parse(
                R"([{"fold": "fold-1", "test_clips": 200, "same_speaker": 30, "same_utterance": 15,
                     "same_content": 1, "statement_unknown": 4},
                    {"fold": "fold-2", "test_clips": 180, "same_speaker": 6, "same_utterance": 5,
                     "same_content": 0, "statement_unknown": 0}])"));
  EXPECT_EQ(json["leakage_overall"],
            nlohmann::ordered_json::parse(
                R"({"test_clips": 380, "same_speaker": 36, "same_utterance": 20,
                    "same_content": 1, "statement_unknown": 4})"));
  data.leakage.clear();  // as for another corpus
  const auto without = nlohmann::ordered_json::parse(metrics_json(data));
  EXPECT_EQ(without["leakage"], nlohmann::ordered_json::array());
  EXPECT_TRUE(without["leakage_overall"].is_null());
}

TEST(MetricsJson, WithoutIntervalsTheyAreNull) {
  ReportData data = test::sample_report({"calm", "angry"}, 1, 1);
  data.evaluation.pooled_intervals.reset();
  EXPECT_TRUE(nlohmann::json::parse(metrics_json(data))["pooled"]["intervals"].is_null());
}

}  // namespace
}  // namespace serenade
