#include "pipeline/evaluation/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>

#include "pipeline/evaluation/calibration_chart.h"
#include "pipeline/evaluation/heat_map.h"
#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/learning_curves.h"
#include "pipeline/evaluation/line_chart.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_style.h"
#include "pipeline/evaluation/result_text.h"
#include "tests/pipeline/evaluation/markup.h"
#include "tests/pipeline/evaluation/sample_report.h"

namespace serenade {
namespace {

using test::fault_of;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<ReportData> many_reports() {
  std::vector<ReportData> reports{test::sample_report(test::ravdess_labels(), 1, 60),
                                  test::sample_report(test::ravdess_labels(), 6, 40),
                                  test::sample_report({"calm", "angry"}, 1, 1)};
  ReportData broken = test::sample_report({"a", "b", "c"}, 2, 9);
  for (LearningCurve& curve : broken.curves) {
    curve.training_loss.assign(9, std::numeric_limits<double>::quiet_NaN());
    curve.validation_loss[4] = std::numeric_limits<double>::infinity();
    curve.validation_uar.clear();
    curve.best_epoch = 700;
  }
  reports.push_back(broken);
  ReportData bare;
  bare.evaluation = test::sample_report({"calm"}, 1, 1).evaluation;
  reports.push_back(bare);
  reports.push_back(test::sample_report(std::vector<std::string>(20, "same name"), 1, 3));
  return reports;
}

TEST(Report, IsWellFormed) {
  for (const ReportData& data : many_reports()) EXPECT_EQ(fault_of(report_html(data)), "");
}

TEST(Report, FaultsAreSeen) {
  EXPECT_NE(fault_of("<!DOCTYPE html><p><b></p></b>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p>a & b</p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p>a < b</p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p class=x></p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p class=\"x\" class=\"y\"></p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p class=\"x></p>"), "");
  EXPECT_NE(fault_of("<!DOCTYPE html><p>"), "");
  EXPECT_EQ(fault_of("<!DOCTYPE html><p class=\"x\">a &amp; b<br/></p>\n"), "");
}

TEST(Report, FetchesAndRunsNothing) {
  for (const ReportData& data : many_reports()) {
    const std::string html = report_html(data);
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("http:")));
    EXPECT_THAT(html, Not(HasSubstr("https:")));
    EXPECT_THAT(html, Not(HasSubstr("url(")));
    EXPECT_THAT(html, Not(HasSubstr("@import")));
    EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  }
}

TEST(Report, EscapesEveryText) {
  const std::string evil = "<script>\"'&\x01\xFF";
  ReportData data = test::sample_report({evil + "1", evil + "2", evil + "3"}, 2, 3);
  for (std::string* text : {&data.title, &data.date, &data.config_name, &data.command,
                            &data.protocol.name, &data.protocol.description, &data.corpus.name,
                            &data.features, &data.model_input, &data.config_yaml}) {
    *text = evil;
  }
  data.notes = {evil};
  data.warnings = {evil};
  data.environment = {{evil, evil}};
  data.timings = {{evil, 1, evil}};
  data.layers = {{evil, evil, evil, 1}};
  data.tested_on = evil;
  for (Mistake& mistake : data.evaluation.mistakes) mistake.path = evil + "/" + evil;
  for (Grouping& grouping : data.evaluation.groups) {
    grouping.field = evil;
    for (GroupScores& one : grouping.values) one.value = evil;
  }
  for (std::size_t f = 0; f < 2; ++f) {
    const std::string name = evil + std::to_string(f);
    data.evaluation.folds[f].name = data.curves[f].fold = data.corpus.folds[f].fold = name;
    data.curves[f].monitor = evil;
    data.corpus.folds[f].test_speakers = evil;
  }
  const std::string html = report_html(data);
  EXPECT_EQ(fault_of(html), "");
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_EQ(html.find('\x01'), std::string::npos);
  EXPECT_EQ(html.find('\xFF'), std::string::npos);
  // Not one of the fields is missing: each name occurs where it is shown.
  std::size_t count = 0;
  const std::string safe = escaped(evil);
  for (std::size_t at = html.find(safe); at != std::string::npos; at = html.find(safe, at + 1)) {
    ++count;
  }
  EXPECT_GE(count, 80U);
}

TEST(Escaped, KeepsGoodTextAndReplacesBad) {
  EXPECT_EQ(escaped("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escaped("über 平静 \xF0\x9F\x98\x80\n\t"), "über 平静 \xF0\x9F\x98\x80\n\t");
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("\x80"), bad);
  EXPECT_EQ(escaped("\xC0\xAF"), bad + bad);            // overlong
  EXPECT_EQ(escaped("\xED\xA0\x80"), bad + bad + bad);  // surrogate
  EXPECT_EQ(escaped("\xE5\xB9<"), bad + bad + "&lt;");  // cut short
  EXPECT_EQ(escaped(std::string("\0\r\x7F", 3)), bad + bad + bad);
}

TEST(Report, ShowsTheScoresOfTheEvaluation) {
  for (const int folds : {1, 6}) {
    const ReportData data = test::sample_report(test::ravdess_labels(), folds, 12);
    const Evaluation& evaluation = data.evaluation;
    const std::string html = report_html(data);
    for (const MeanAndDeviation& value :
         {evaluation.accuracy, evaluation.uar, evaluation.macro_f1}) {
      EXPECT_THAT(html, HasSubstr(fmt::format(R"(<div class="value">{}<small> %</small></div>)",
                                              percent(value.mean))));
      if (folds > 1) {
        EXPECT_THAT(html, HasSubstr(fmt::format("± {} over 6 folds", percent(value.deviation))));
      }
    }
    for (std::size_t k = 0; k < 8; ++k) {
      const ClassScores& one = evaluation.pooled_scores.per_class[k];
      EXPECT_THAT(html,
                  HasSubstr(fmt::format(
                      R"(<th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td>)",
                      evaluation.labels[k], percent(one.precision), percent(one.recall),
                      percent(one.f1), one.support)));
    }
    for (const FoldScores& fold : evaluation.folds) {
      if (folds == 1) continue;
      std::string cells;
      for (const auto& [score, interval] :
           {std::pair(fold.scores.accuracy, fold.intervals->accuracy),
            std::pair(fold.scores.uar, fold.intervals->uar),
            std::pair(fold.scores.macro_f1, fold.intervals->macro_f1)}) {
        cells += fmt::format(R"(<td>{}<span class="interval">{}</span></td>)", percent(score),
                             percent_interval(interval));
      }
      EXPECT_THAT(html, HasSubstr(fmt::format("{}</th>{}<td>{}</td>", fold.name, cells,
                                              fold.scores.clips)));
    }
  }
}

TEST(Report, ShowsIntervalsAndGuessingBesideTheScores) {
  const ReportData data = test::sample_report(test::ravdess_labels(), 1, 3);
  const Evaluation& evaluation = data.evaluation;
  const std::string html = report_html(data);
  EXPECT_THAT(html, HasSubstr(percent_interval(evaluation.pooled_intervals->uar) +
                              " with 95 % confidence"));
  ASSERT_EQ(evaluation.baselines.size(), 3U);
  for (const Baseline& one : evaluation.baselines) {
    EXPECT_THAT(html, HasSubstr(fmt::format(
                          R"(<th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>)",
                          one.name, percent(one.scores.accuracy), percent(one.scores.uar),
                          percent(one.scores.macro_f1))));
  }
  EXPECT_THAT(html, HasSubstr("from 200 resamples of 285 clips"));
}

TEST(Report, ShowsGroupsMistakesAndCalibration) {
  ReportData data = test::sample_report(test::ravdess_labels(), 6, 3);
  data.evaluation.mistakes[0].path = "ravdess/speech/<x>.wav";
  data.corpus.path = "ravdess";
  const std::string html = report_html(data);
  for (const Grouping& grouping : data.evaluation.groups) {
    for (const GroupScores& one : grouping.values) {
      EXPECT_THAT(html, HasSubstr(fmt::format(
                            R"(<th scope="row">{0}</th><td>{1}</td><td>{2}</td><td>{3}</td>)"
                            R"(<td class="bars"><div><span class="accuracy" style="width:{2}%">)",
                            one.value, one.clips, percent(one.accuracy), percent(one.uar))));
    }
  }
  const Mistake& surest = data.evaluation.mistakes[0];
  EXPECT_THAT(html, HasSubstr(fmt::format(
                        R"(<th scope="row">&lt;x&gt;.wav<span class="folder">speech/</span></th>)"
                        R"(<td class="words">{}<span class="interval">{} %</span></td>)"
                        R"(<td class="words">{}<span class="interval">{} %</span></td>)",
                        surest.label, percent(surest.probability_of_label), surest.predicted,
                        percent(surest.probability))));
  EXPECT_THAT(html, HasSubstr(fmt::format("Expected calibration error <b>{} %</b>",
                                          percent(data.evaluation.calibration.expected_error))));
}

TEST(Report, OfVeryManySpeakersShowsTheEnds) {
  ReportData data = test::sample_report({"calm", "angry"}, 1, 1);
  Grouping& speakers = data.evaluation.groups.front();
  speakers.values.clear();
  for (int i = 0; i < 91; ++i) {
    speakers.values.push_back({fmt::format("s{}", i), 10, ((i * 37) % 91) / 91.0, 0.5});
  }
  const std::string html = report_html(data);
  EXPECT_THAT(html, HasSubstr("Of 91 speakers, the 20 with the lowest accuracy"));
  EXPECT_THAT(html, HasSubstr(">s0</th>"));        // the lowest: 0
  EXPECT_THAT(html, HasSubstr(">s59</th>"));       // the highest: 59 * 37 is 90
  EXPECT_THAT(html, Not(HasSubstr(">s75</th>")));  // 75 * 37 is 45
}

TEST(Report, GivesLongNamesTheWholeWidth) {
  ReportData data = test::sample_report({"calm", "angry"}, 1, 1);
  Grouping& speakers = data.evaluation.groups.front();
  speakers.values.assign(12, {"s", 10, 0.5, 0.5});
  const std::string in_two = "</table></div>\n<div class=\"scroll\"><table class=\"plain groups\">";
  EXPECT_THAT(report_html(data), HasSubstr(in_two));
  EXPECT_THAT(report_html(data), Not(HasSubstr("class=\"wide\"")));
  speakers.values[3].value = "a speaker of a long name";
  data.evaluation.groups.back().values[0].value = "Kids are talking by the door";
  EXPECT_THAT(report_html(data), Not(HasSubstr(in_two)));
  EXPECT_THAT(report_html(data), HasSubstr("<div class=\"wide\"><h3>By intensity</h3>"));
}

TEST(Report, NamesClassesWithoutTestClipsAndTheOtherCorpus) {
  ReportData data = test::sample_report({"calm", "angry"}, 1, 1);
  EXPECT_THAT(report_html(data), Not(HasSubstr("No test clip is")));
  EXPECT_THAT(report_html(data), HasSubstr("2 classes, protocol <b>random</b>, speaker-dependent"));
  data.evaluation.pooled_scores.per_class[0].support = 0;
  EXPECT_THAT(report_html(data), HasSubstr("No test clip is calm: UAR"));
  data.tested_on = "EMO-DB";
  const std::string html = report_html(data);
  EXPECT_THAT(html, HasSubstr("<h1>ravdess_frames_cnn on EMO-DB</h1>"));
  EXPECT_THAT(html,
              HasSubstr("57 test clips of EMO-DB, 1 of 2 classes, protocol <b>random</b></p>"));
  // Its notes say which labels both have, and whether the speakers may be the same.
  EXPECT_THAT(html, Not(HasSubstr("No test clip is")));
  EXPECT_THAT(html, Not(HasSubstr("speaker-")));
}

TEST(Report, CountsAClipOnceWhateverTheSeeds) {
  const std::string html = report_html(test::seeds_report(2, 1));
  EXPECT_EQ(fault_of(html), "");
  EXPECT_THAT(html, HasSubstr("285 test clips, 8 classes, scored once for each of 2 seeds"));
  EXPECT_THAT(html, HasSubstr("<h2>Seeds</h2>"));
  EXPECT_THAT(html, HasSubstr(R"(<th scope="row">seed 2</th>)"));
  EXPECT_THAT(html, HasSubstr("Test clips of all seeds together, each clip counted once"));
  EXPECT_THAT(html, Not(HasSubstr("all folds")));
  EXPECT_THAT(html, Not(HasSubstr("each fold")));
  EXPECT_THAT(html, Not(HasSubstr(">fold")));
  const std::string both = report_html(test::seeds_report(2, 6));
  EXPECT_EQ(fault_of(both), "");
  EXPECT_THAT(both, HasSubstr("<h2>Folds and seeds</h2>"));
  EXPECT_THAT(both, HasSubstr(R"(<th scope="row">fold-3, seed 2</th>)"));
}

TEST(Report, SaysWhyAFoldHasNoIntervalAndCallsNothingGuessing) {
  ReportData data = test::sample_report(test::ravdess_labels(), 6, 1);
  EXPECT_THAT(report_html(data), Not(HasSubstr("none where")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Interval none{nan, nan};
  data.evaluation.folds[2].intervals = ScoreIntervals{none, none, none, 1};
  EXPECT_THAT(report_html(data), HasSubstr("its interval; none where one speaker is tested."));
  EXPECT_THAT(report_html(data), HasSubstr("<h2>Beside guessing</h2>"));
  data.evaluation.baselines.clear();
  EXPECT_THAT(report_html(data), HasSubstr("<h2>Scores</h2>"));
}

TEST(CalibrationChart, DrawsBarsWhereTheyAre) {
  Calibration calibration;
  calibration.bins = {{0, 0.5, 0, 0, 0}, {0.5, 1, 12, 0.75, 0.5}};
  calibration.clips = 12;
  const std::string svg = calibration_chart_svg(calibration);
  // 384 by 274 between the margins; a bin without clips has no bar.
  EXPECT_EQ(svg.find("<rect"), svg.rfind("<rect"));
  EXPECT_THAT(svg, HasSubstr(R"(<rect class="reliability" x="237.0" y="167.0" width="190.0")"
                             R"( height="137.0"/>)"));
  EXPECT_THAT(svg, HasSubstr(R"(y1="98.5" y2="98.5")"));  // the mean confidence, 0.75
  EXPECT_THAT(svg, HasSubstr(">12</text>"));
}

TEST(HeatMap, ShowsCountAndShareOfEveryCell) {
  ConfusionMatrix confusion(2);
  for (int i = 0; i < 3; ++i) confusion.add(0, 1);
  for (int i = 0; i < 7; ++i) confusion.add(0, 0);
  const std::vector<std::string> labels{"calm", "angry"};
  const std::string html = heat_map_html(confusion, labels);
  EXPECT_THAT(html, HasSubstr(R"(<td class="heat7 right"><span class="share">70</span>)"
                              R"(<span class="count">7</span></td>)"
                              R"(<td class="heat3"><span class="share">30</span>)"
                              R"(<span class="count">3</span></td><td class="end">10</td>)"));
  EXPECT_THAT(html, HasSubstr(R"(<td class="heat0 right"><span class="share">0</span></td>)"));
  EXPECT_THAT(common_confusions_html(confusion, labels, 3),
              HasSubstr("calm taken for angry (30\u00A0%, 3 clips)."));
}

TEST(HeatMap, AFewOfManyAreNotNone) {
  ConfusionMatrix confusion(2);
  for (int i = 0; i < 999; ++i) confusion.add(0, 0);
  confusion.add(0, 1);
  const std::vector<std::string> labels{"calm", "angry"};
  EXPECT_THAT(heat_map_html(confusion, labels),
              HasSubstr(R"(<span class="share">&lt;1</span><span class="count">1</span>)"));
}

TEST(HeatMap, StepsFollowTheShare) {
  EXPECT_EQ(heat_step(0, 10), 0);
  EXPECT_EQ(heat_step(0, 0), 0);
  EXPECT_EQ(heat_step(1, 1000), 1);
  EXPECT_EQ(heat_step(3, 10), 3);
  EXPECT_EQ(heat_step(31, 100), 4);
  EXPECT_EQ(heat_step(10, 10), 10);
}

/// WCAG 2 relative luminance of "#rrggbb".
double luminance(const std::string& colour) {
  double sum = 0;
  const std::array weights{0.2126, 0.7152, 0.0722};
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    sum += weights[i] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}

// 4.5 to 1 is what WCAG 2 (AA) asks of small text.
TEST(Style, TextOnTheHeatMapIsReadableInBothThemes) {
  const std::string css(report_style());
  const std::size_t dark = css.find("prefers-color-scheme: dark");
  ASSERT_NE(dark, std::string::npos);
  for (const std::size_t theme : {std::size_t{0}, dark}) {
    const auto colour = [&](const std::string& name) {
      return css.substr(css.find("--" + name + ": #", theme) + name.size() + 4, 7);
    };
    for (int step = 0; step <= heat_steps; ++step) {
      const std::string rule =
          fmt::format(".heat{} {{ background: var(--heat{}); color: var(--", step, step);
      const std::size_t at = css.find(rule);
      ASSERT_NE(at, std::string::npos) << rule;
      const std::string text =
          css.substr(at + rule.size(), css.find(')', at + rule.size()) - at - rule.size());
      const double a = luminance(colour(fmt::format("heat{}", step)));
      const double b = luminance(colour(text));
      EXPECT_GE((std::max(a, b) + 0.05) / (std::min(a, b) + 0.05), 4.5)
          << (theme == 0 ? "light" : "dark") << " step " << step;
    }
  }
}

TEST(LineChart, BreaksAtValuesThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  LineChart chart;
  chart.series = {{"loss", "training", {0.5, 0.4, nan, 0.3, nan, 0.2, 0.1}}};
  const std::string svg = line_chart_svg(chart);
  const auto times = [&](const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) {
      ++count;
    }
    return count;
  };
  EXPECT_EQ(times("<path"), 2U);
  EXPECT_EQ(times("<circle class=\"dot"), 1U);
  EXPECT_EQ(times("nan"), 0U);
  EXPECT_EQ(times("best"), 0U);
  chart.best_epoch = 4;
  EXPECT_THAT(line_chart_svg(chart), HasSubstr("best: epoch 4"));
  EXPECT_THAT(line_chart_svg(chart), HasSubstr("class=\"ring training\""));
}

TEST(LineChart, DrawsValuesWhereTheyAre) {
  LineChart chart;
  chart.series = {{"loss", "training", {0, 1}}};
  chart.width = 156;   // 100 beside the margins
  chart.height = 146;  // 100 between them
  EXPECT_THAT(line_chart_svg(chart), HasSubstr("d=\"M44.0 122.0L144.0 22.0\""));
}

TEST(LineChart, AxesAreRound) {
  const auto expect = [](double low, double high, double a, double b, double step) {
    const Axis axis = round_axis(low, high, 5);
    EXPECT_DOUBLE_EQ(axis.low, a);
    EXPECT_DOUBLE_EQ(axis.high, b);
    EXPECT_DOUBLE_EQ(axis.step, step);
  };
  expect(0, 2.1, 0, 2.5, 0.5);
  expect(0, 1, 0, 1, 0.2);
  expect(-0.3, 7.2, -2, 8, 2);
  expect(0, 0, 0, 1, 0.2);
  expect(0, 3e6, 0, 3e6, 1e6);
}

TEST(LearningCurves, NamesEpochsThatAreNotFinite) {
  LearningCurve curve = test::sample_curve("fold-1", 12, 0.7);
  EXPECT_THAT(learning_curves_html({&curve, 1}), Not(HasSubstr("not finite")));
  curve.training_loss[2] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(learning_curves_html({&curve, 1}), HasSubstr("not finite in epoch 3."));
  for (const std::size_t i : {6U, 7U, 8U}) {
    curve.validation_loss[i] = std::numeric_limits<double>::infinity();
  }
  EXPECT_THAT(learning_curves_html({&curve, 1}), HasSubstr("not finite in epochs 3, 7–9."));
  EXPECT_EQ(learning_curves_html({}), "");
}

}  // namespace
}  // namespace serenade
