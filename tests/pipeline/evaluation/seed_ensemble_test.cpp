#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "pipeline/evaluation/bar_chart.h"
#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/evaluation/protocols_page.h"
#include "pipeline/evaluation/report.h"
#include "pipeline/evaluation/seed_averages.h"
#include "pipeline/evaluation/summary.h"
#include "tests/pipeline/evaluation/markup.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> labels = {"calm", "sad"};

ClipPrediction said(const std::string& id, const std::string& label, float calm, std::uint64_t seed,
                    const std::string& fold = "") {
  return {.id = id,
          .path = id + ".wav",
          .speaker = "1",
          .label = label,
          .predicted = calm >= 0.5F ? "calm" : "sad",
          .probabilities = {calm, 1 - calm},
          .fold = fold,
          .seed = seed};
}

TEST(SeedEnsemble, AveragesProbabilitiesAndScoresOnce) {
  // Two of three are right about a, one is so sure that all together are wrong; b the other way.
  const std::vector<ClipPrediction> rows = {
      said("a", "calm", 0.625F, 1), said("b", "sad", 0.625F, 1), said("a", "calm", 0.625F, 2),
      said("b", "sad", 0.625F, 2),  said("a", "calm", 0, 3),     said("b", "sad", 0, 3)};
  const auto means = averaged_over_seeds(labels, rows);
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means[0].id, "a");
  EXPECT_EQ(means[0].predicted, "sad");
  EXPECT_THAT(means[0].probabilities, ElementsAre(1.25F / 3, 1.75F / 3));
  EXPECT_FALSE(means[0].seed);
  const Evaluation evaluation = evaluate_predictions(labels, rows);
  ASSERT_TRUE(evaluation.ensemble);
  EXPECT_EQ(evaluation.ensemble->pooled(0, 1), 1);
  EXPECT_EQ(evaluation.ensemble->pooled(1, 1), 1);
  EXPECT_EQ(evaluation.ensemble->accuracy.mean, 0.5);
  EXPECT_EQ(evaluation.ensemble->pooled_scores.clips, 2);
  EXPECT_DOUBLE_EQ(evaluation.accuracy.mean, 0.5);  // one right of two, three times
  ClipPrediction bad = rows[0];
  bad.probabilities = {1};
  EXPECT_THROW(averaged_over_seeds(labels, std::vector<ClipPrediction>{bad}), ShapeError);
}

TEST(SeedEnsemble, IsThereForSeveralSeedsOfAFoldAlone) {
  EXPECT_FALSE(evaluate_predictions(labels, std::vector{said("a", "calm", 1, 1)}).ensemble);
  // Every fold a seed of its own: folds, and nothing to average.
  const Evaluation folds = evaluate_predictions(
      labels, std::vector{said("a", "calm", 1, 1, "x"), said("b", "sad", 1, 2, "y")});
  EXPECT_FALSE(folds.ensemble);
  EXPECT_TRUE(folds.seeds.empty());
  EXPECT_EQ(folds.accuracy.mean, 0.5);
  EXPECT_EQ(folds.over_folds.accuracy.deviation, folds.accuracy.deviation);
}

TEST(SeedEnsemble, StandsBesideOneModelEverywhere) {
  for (const int folds : {1, 4}) {
    const ReportData data = test::seeds_report(3, folds);
    const EnsembleScores& ensemble = *data.evaluation.ensemble;
    ASSERT_EQ(ensemble.folds.size(), static_cast<std::size_t>(folds));
    ASSERT_TRUE(ensemble.pooled_intervals);
    EXPECT_EQ(ensemble.pooled_intervals->clusters, data.evaluation.pooled_intervals->clusters);
    const auto json = nlohmann::json::parse(metrics_json(data));
    EXPECT_EQ(json["ensemble"]["mean"]["uar"].get<double>(), ensemble.uar.mean);
    EXPECT_EQ(json["ensemble"]["pooled"]["clips"], data.evaluation.clips);
    EXPECT_EQ(json["ensemble"]["folds"].size(), ensemble.folds.size());
    EXPECT_EQ(json["over_folds"]["mean"]["uar"].get<double>(), data.evaluation.over_folds.uar.mean);
    const std::string text = summary_text(data), html = report_html(data);
    EXPECT_EQ(test::fault_of(html), "");
    EXPECT_THAT(text, HasSubstr("one model, mean"));
    EXPECT_THAT(text, HasSubstr(folds > 1 ? "ensemble, mean" : "ensemble of seeds"));
    EXPECT_THAT(html, HasSubstr("one model, mean over 3 seeds"));
    EXPECT_THAT(html, HasSubstr("ensemble of 3 seeds"));
    EXPECT_EQ(html.find("deviation over folds") != std::string::npos, folds > 1);
  }
  EXPECT_THAT(summary_text(test::sample_report(labels, 1, 2)), Not(HasSubstr("ensemble")));
}

TEST(BarChart, DrawsBarsAsHighAsTheirValues) {
  BarChart chart;
  chart.title = "<bars>";
  chart.axis = "accuracy, %";
  chart.bars = {{"random", 0.5, {0.4, 0.6}, false}, {"unseen voices", 1, {NAN, NAN}, true}};
  chart.line = 0.125;
  chart.line_name = "guessing";
  const std::string svg = bar_chart_svg(chart);
  EXPECT_EQ(test::fault_of("<!DOCTYPE html>" + svg), "");
  // The plane is 360 - 30 - 62 = 268 high.
  EXPECT_THAT(svg, HasSubstr(R"(height="134.0")"));
  EXPECT_THAT(svg, HasSubstr(R"(height="268.0")"));
  EXPECT_THAT(svg, HasSubstr("50.0 %</text>"));
  EXPECT_THAT(svg, HasSubstr("&lt;bars&gt;"));
  EXPECT_THAT(svg, HasSubstr("guessing"));
  std::size_t whiskers = 0;
  for (std::size_t at = svg.find("whisker"); at != std::string::npos;
       at = svg.find("whisker", at + 1)) {
    ++whiskers;
  }
  EXPECT_EQ(whiskers, 3U);  // one interval: a line and two ends
}

TEST(ProtocolsPage, IsWholeAndEscaped) {
  ProtocolScores random;
  random.run = "<run>";
  random.protocol = {"random", "Clips <drawn> at random.", false};
  random.accuracy = {0.85, 0.01, {0.8, 0.9}};
  random.uar = {0.84, 0.01, {0.79, 0.89}};
  random.clips = 300;
  random.guessing = 0.125;
  random.same_speaker = 1;
  random.same_utterance = 0.75;
  ProtocolScores unseen = random;
  unseen.protocol = {"emobox", "New voices.", true};
  unseen.folds = 6;
  unseen.seeds = 3;
  unseen.ensemble_accuracy = unseen.ensemble_uar = ShownScore{0.6, 0.1, {0.5, 0.7}};
  const std::vector<ProtocolScores> all = {random, unseen};
  const std::vector<std::string> notes = {"a <note>"};
  const std::string html = protocols_html(all, notes);
  EXPECT_EQ(test::fault_of(html), "");
  for (const char* text : {"&lt;run&gt;", "&lt;drawn&gt;", "a &lt;note&gt;", "85.0 %", "80.0–90.0",
                           "3 seeds of 6 folds", "guessing: 12.5 %", "strong-bar"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(html, Not(HasSubstr("<drawn>")));
  EXPECT_THAT(html, Not(HasSubstr("&lt;run&gt; ·")));  // both runs' name, once
  EXPECT_THAT(protocols_text(all, notes), HasSubstr("note: a <note>"));
}

TEST(ProtocolsPage, SaysWhoIsHeardAlsoOfSpeakerNorm) {
  ProtocolScores random;
  random.run = "run";
  random.protocol = {"random+speaker-norm", "Clips drawn at random.", false};
  random.accuracy = random.uar = {0.85, 0.01, {0.8, 0.9}};
  const std::vector<ProtocolScores> all = {random};
  EXPECT_THAT(protocols_html(all, {}), HasSubstr("same voices, same</text>"));
}

}  // namespace
}  // namespace serenade
