#include "pipeline/evaluation/analysis.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/error.h"
#include "pipeline/evaluation/result_text.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<std::string> labels{"calm", "angry"};

/// Scored on one thread with 200 resamples.
ReportData scored(const std::vector<ClipPrediction>& rows, bool speaker_independent) {
  ReportData data;
  data.protocol.speaker_independent = speaker_independent;
  data.options.bootstrap = 200;
  Context context;
  score_predictions(context, labels, rows, data);
  return data;
}

ClipPrediction clip(const std::string& id, const std::string& speaker, bool right,
                    const std::string& fold = "", std::optional<std::uint64_t> seed = {}) {
  const bool calm = id.size() % 2 == 0;
  return {
      id,   id + ".wav", speaker, labels[calm ? 0 : 1], labels[calm == right ? 0 : 1], {0.5F, 0.5F},
      fold, seed,        {}};
}

/// Four speakers of ten clips; every third clip is taken for the other class.
std::vector<ClipPrediction> forty(std::optional<std::uint64_t> seed = {}, int offset = 0) {
  std::vector<ClipPrediction> rows;
  for (int i = 0; i < 40; ++i) {
    const std::string speaker = std::to_string(i / 10);
    const std::string id = speaker + std::string(static_cast<std::size_t>(i % 10 + 1), 'x');
    rows.push_back(clip(id, speaker, (i + offset) % 3 != 0, i < 20 ? "a" : "b", seed));
  }
  return rows;
}

TEST(Analysis, DrawsSpeakersWhereTheSplitIsBySpeakerElseClips) {
  EXPECT_EQ(scored(forty(), true).evaluation.pooled_intervals->clusters, 4);
  EXPECT_EQ(scored(forty(), false).evaluation.pooled_intervals->clusters, 40);
  const ReportData data = scored(forty(), true);
  EXPECT_EQ(data.evaluation.folds[1].intervals->clusters, 2);
  EXPECT_EQ(interval_text(data),
            "95 % percentile bootstrap intervals from 200 resamples of 4 speakers");
}

TEST(Analysis, ClipsOfUnknownSpeakersStandAlone) {
  std::vector<ClipPrediction> rows = forty();
  for (std::size_t i = 0; i < 10; ++i) rows[i].speaker.clear();
  EXPECT_EQ(scored(rows, true).evaluation.pooled_intervals->clusters, 3 + 10);
}

TEST(Analysis, DoesNotDependOnOrderOrThreads) {
  std::vector<ClipPrediction> rows = forty();
  const auto expect_equal = [](const Evaluation& a, const Evaluation& b) {
    EXPECT_EQ(a.pooled_intervals->uar.low, b.pooled_intervals->uar.low);
    EXPECT_EQ(a.pooled_intervals->macro_f1.high, b.pooled_intervals->macro_f1.high);
  };
  const Evaluation once = scored(rows, true).evaluation;
  ReportData threads = scored(rows, true);
  Context context(3);
  score_predictions(context, labels, rows, threads);
  expect_equal(once, threads.evaluation);
  std::reverse(rows.begin(), rows.end());
  expect_equal(once, scored(rows, true).evaluation);
}

// A fold's own folder says of it what the summary above says.
TEST(Analysis, AFoldAloneHasTheNumbersItHasAmongOthers) {
  std::vector<ClipPrediction> rows = forty();
  const Evaluation all = scored(rows, true).evaluation;
  std::erase_if(rows, [](const ClipPrediction& one) { return one.fold != "b"; });
  const Evaluation alone = scored(rows, true).evaluation;
  EXPECT_EQ(alone.pooled_scores.uar, all.folds[1].scores.uar);
  EXPECT_EQ(alone.pooled_intervals->uar.low, all.folds[1].intervals->uar.low);
  EXPECT_EQ(alone.pooled_intervals->macro_f1.high, all.folds[1].intervals->macro_f1.high);
}

TEST(Analysis, NoResamplesNoIntervals) {
  ReportData data;
  data.options.bootstrap = 0;
  Context context;
  score_predictions(context, labels, forty(), data);
  EXPECT_FALSE(data.evaluation.pooled_intervals);
  EXPECT_EQ(interval_text(data), "");
}

TEST(Analysis, SeveralSeedsAreAveragedOverTheirFoldMeans) {
  std::vector<ClipPrediction> rows = forty(1, 0);
  std::vector<ClipPrediction> second = forty(2, 1);
  for (std::size_t i = 0; i < 10; ++i) second[i].predicted = second[i].label;
  rows.insert(rows.end(), second.begin(), second.end());
  const Evaluation evaluation = scored(rows, true).evaluation;
  ASSERT_THAT(evaluation.folds, SizeIs(4));
  ASSERT_THAT(evaluation.seeds, SizeIs(2));
  const Evaluation one = scored(forty(1, 0), true).evaluation;
  EXPECT_EQ(evaluation.seeds[0].uar.mean, one.uar.mean);
  EXPECT_EQ(evaluation.seeds[0].uar.deviation, one.uar.deviation);
  const double a = evaluation.seeds[0].accuracy.mean;
  const double b = evaluation.seeds[1].accuracy.mean;
  EXPECT_GT(b, a + 0.01);
  EXPECT_DOUBLE_EQ(evaluation.accuracy.mean, (a + b) / 2);
  EXPECT_NEAR(evaluation.accuracy.deviation, (b - a) / std::sqrt(2.0), 1e-15);
  EXPECT_EQ(averaged_over(evaluation), "2 seeds of 2 folds");
  EXPECT_EQ(result_name(evaluation, evaluation.folds[3]), "b, seed 2");
  // A clip is drawn with all that was said of it: no more clusters than for one seed.
  EXPECT_EQ(scored(rows, false).evaluation.pooled_intervals->clusters, 40);
}

TEST(Analysis, BaselinesAreMeansOverFoldsAndNeedEveryTrainingPart) {
  ReportData data;
  data.corpus.folds = {{"a", {3, 1}, {}, {}, ""}};
  Context context;
  score_predictions(context, labels, forty(), data);
  EXPECT_THAT(data.evaluation.baselines, IsEmpty());
  data.corpus.folds.push_back({"b", {1, 9}, {}, {}, ""});
  score_predictions(context, labels, forty(), data);
  ASSERT_THAT(data.evaluation.baselines, SizeIs(3));
  // Half of the clips are calm in both folds: either guess is right half of the time.
  const Baseline& majority = data.evaluation.baselines[0];
  EXPECT_EQ(majority.name, "most frequent class");
  EXPECT_DOUBLE_EQ(majority.scores.accuracy, 0.5);
  EXPECT_DOUBLE_EQ(majority.scores.uar, 0.5);
  EXPECT_DOUBLE_EQ(majority.scores.macro_f1, 1 / 3.0);
}

TEST(Analysis, OnAnotherCorpusSpeakersAreDrawnAndGuessingKnowsWhatWasTrainedOn) {
  ReportData data;
  data.tested_on = "emodb";
  data.options.bootstrap = 200;
  data.trained_on = {1, 9};
  std::vector<ClipPrediction> rows = forty();
  for (ClipPrediction& row : rows) row.fold.clear();
  rows.erase(rows.begin());
  Context context;
  score_predictions(context, labels, rows, data);
  EXPECT_EQ(data.evaluation.pooled_intervals->clusters, 4);
  ASSERT_THAT(data.evaluation.baselines, SizeIs(3));
  const double angry = data.evaluation.baselines[0].scores.accuracy;
  const auto count = std::count_if(rows.begin(), rows.end(),
                                   [](const ClipPrediction& row) { return row.label == "angry"; });
  EXPECT_DOUBLE_EQ(angry, static_cast<double>(count) / 39);
}

TEST(Groups, AreSpeakersAndFieldsOfFewValues) {
  std::vector<ClipPrediction> rows = forty();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].fields = {{"intensity", i % 4 < 2 ? "strong" : "normal"},
                      {"actor", "Actor_" + rows[i].speaker},
                      {"emotion", rows[i].label == "calm" ? "01" : "02"},
                      {"channel", "speech"},
                      {"text", std::to_string(i % 11)}};
    if (i > 0) rows[i].fields["take"] = std::to_string(i / 5 % 2);
  }
  rows[0].label.clear();
  const std::vector<Grouping> groups = scores_by_group(labels, rows);
  std::vector<std::string> fields;
  for (const Grouping& one : groups) fields.push_back(one.field);
  EXPECT_THAT(fields, ElementsAre("speaker", "intensity", "take"));
  EXPECT_EQ(groups[0].values[0].clips, 9);
  EXPECT_EQ(groups[1].values[0].value, "normal");
  Index right = 0;
  Index clips = 0;
  for (const ClipPrediction& row : rows) {
    if (row.fields.at("intensity") != "normal" || row.label.empty()) continue;
    ++clips;
    right += row.label == row.predicted ? 1 : 0;
  }
  EXPECT_EQ(groups[1].values[0].clips, clips);
  EXPECT_DOUBLE_EQ(groups[1].values[0].accuracy,
                   static_cast<double>(right) / static_cast<double>(clips));
}

TEST(Groups, NumbersComeBySizeAndOneSpeakerIsNone) {
  std::vector<ClipPrediction> rows;
  for (const auto* speaker : {"10", "9", "b", "02", "1"}) rows.push_back(clip("id", speaker, true));
  const std::vector<Grouping> groups = scores_by_group(labels, rows);
  ASSERT_THAT(groups, SizeIs(1));
  std::vector<std::string> order;
  for (const GroupScores& one : groups[0].values) order.push_back(one.value);
  EXPECT_THAT(order, ElementsAre("1", "02", "9", "10", "b"));
  EXPECT_THAT(scores_by_group(labels, std::span(rows).first(1)), IsEmpty());
}

TEST(Mistakes, AreTheSurestFirst) {
  std::vector<ClipPrediction> rows{clip("c", "1", false), clip("b", "1", false),
                                   clip("aa", "1", false), clip("d", "1", true),
                                   clip("e", "1", false)};
  rows[2].probabilities = {0.1F, 0.9F};
  rows[3].probabilities = {0, 1};
  rows[4].label.clear();
  const std::vector<Mistake> mistakes = surest_mistakes(labels, rows, 2);
  ASSERT_THAT(mistakes, SizeIs(2));
  EXPECT_EQ(mistakes[0].id, "aa");
  EXPECT_EQ(mistakes[0].path, "aa.wav");
  EXPECT_FLOAT_EQ(static_cast<float>(mistakes[0].probability), 0.9F);
  EXPECT_FLOAT_EQ(static_cast<float>(mistakes[0].probability_of_label), 0.1F);
  EXPECT_EQ(mistakes[1].id, "b");
  EXPECT_THAT(surest_mistakes(labels, rows, 99), SizeIs(3));
  // Another network's view of a clip is no second mistake, but may be a surer one.
  rows.push_back(clip("b", "1", false, "", 2));
  rows.back().probabilities = {0.95F, 0.05F};
  const std::vector<Mistake> once = surest_mistakes(labels, rows, 99);
  ASSERT_THAT(once, SizeIs(3));
  EXPECT_EQ(once[0].id, "b");
  EXPECT_EQ(once[0].seed, 2);
  rows[0].probabilities.clear();
  EXPECT_THROW(surest_mistakes(labels, rows, 2), ShapeError);
}

}  // namespace
}  // namespace serenade
