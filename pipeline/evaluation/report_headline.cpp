// What came out at a glance: the three scores, and those of guessing beside them.
#include <fmt/format.h>

#include <algorithm>

#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_sections.h"
#include "pipeline/evaluation/result_text.h"

namespace serenade {
namespace {

/// One of the three scores, in every form that it has.
struct ScoreOfThree {
  std::string_view name, meaning;
  MeanAndDeviation Evaluation::*mean;
  double Scores::*score;
  Interval ScoreIntervals::*interval;
  double GuessScores::*guess;
};

constexpr std::array<ScoreOfThree, 3> three_scores{
    {{"Accuracy", "share of clips that are right", &Evaluation::accuracy, &Scores::accuracy,
      &ScoreIntervals::accuracy, &GuessScores::accuracy},
     {"UAR", "mean recall of the classes", &Evaluation::uar, &Scores::uar, &ScoreIntervals::uar,
      &GuessScores::uar},
     {"Macro-F1", "mean F1 of the classes", &Evaluation::macro_f1, &Scores::macro_f1,
      &ScoreIntervals::macro_f1, &GuessScores::macro_f1}}};

std::string interval_of(const std::optional<ScoreIntervals>& intervals, const ScoreOfThree& score) {
  return intervals ? percent_interval((*intervals).*score.interval) : std::string();
}

std::string tile(const ReportData& data, const ScoreOfThree& score) {
  const Evaluation& evaluation = data.evaluation;
  const MeanAndDeviation& value = evaluation.*score.mean;
  std::string html =
      fmt::format(R"(<div><div class="name">{}</div><div class="value">{}<small> %</small></div>)",
                  score.name, percent(value.mean));
  const bool several = evaluation.folds.size() > 1;
  const std::string interval = interval_of(evaluation.pooled_intervals, score);
  if (several) {
    html += fmt::format(R"(<div class="spread">± {} over {}</div>)", percent(value.deviation),
                        averaged_over(evaluation));
  } else if (!interval.empty()) {
    html += fmt::format(R"(<div class="spread">{} with {} % confidence</div>)", interval,
                        shortest(100 * data.options.confidence));
  }
  return html + fmt::format(R"(<div class="on">{}</div></div>)", score.meaning) + "\n";
}

std::string cell(const std::string& number, const std::string& below) {
  if (below.empty()) return fmt::format("<td>{}</td>", number);
  return fmt::format(R"(<td>{}<span class="interval">{}</span></td>)", number, below);
}

std::string row(std::string_view name, std::string_view css_class,
                const std::array<std::string, 3>& cells) {
  return fmt::format(R"(<tr class="{}"><th scope="row">{}</th>{}{}{}</tr>)", css_class, name,
                     cells[0], cells[1], cells[2]) +
         "\n";
}

/// The seeds' networks as one recogniser: the mean over folds, or the only fold with its interval.
std::string ensemble_rows(const Evaluation& evaluation) {
  if (!evaluation.ensemble) return {};
  const EnsembleScores& ensemble = *evaluation.ensemble;
  const std::array<const MeanAndDeviation*, 3> means{&ensemble.accuracy, &ensemble.uar,
                                                     &ensemble.macro_f1};
  const bool several = ensemble.folds.size() > 1;
  std::array<std::string, 3> mean, pooled;
  for (std::size_t i = 0; i < three_scores.size(); ++i) {
    mean[i] = cell(percent(means[i]->mean), "± " + percent(means[i]->deviation));
    pooled[i] = cell(percent(ensemble.pooled_scores.*three_scores[i].score),
                     interval_of(ensemble.pooled_intervals, three_scores[i]));
  }
  const std::string name = fmt::format("ensemble of {} seeds", evaluation.seeds.size());
  if (!several) return row(name, "ours", pooled);
  return row(fmt::format("{}, mean over {} folds", name, ensemble.folds.size()), "ours", mean) +
         row("ensemble, all test clips together", "", pooled);
}

/// The network's rows: the mean over folds where there are several, and all clips together.
std::string network_rows(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::array<std::string, 3> mean;
  std::array<std::string, 3> pooled;
  for (std::size_t i = 0; i < three_scores.size(); ++i) {
    const ScoreOfThree& score = three_scores[i];
    mean[i] = cell(percent((evaluation.*score.mean).mean),
                   "± " + percent((evaluation.*score.mean).deviation));
    pooled[i] = cell(percent(evaluation.pooled_scores.*score.score),
                     interval_of(evaluation.pooled_intervals, score));
  }
  if (evaluation.folds.size() < 2) return row("this network", "ours", pooled);
  return row(fmt::format("{}, mean over {}", evaluation.ensemble ? "one model" : "this network",
                         averaged_over(evaluation)),
             "ours", mean) +
         row("all test clips together", "", pooled) + ensemble_rows(evaluation);
}

}  // namespace

std::string headline_html(const ReportData& data) {
  std::string html = "<div class=\"headline\">\n";
  for (const ScoreOfThree& score : three_scores) html += tile(data, score);
  const Evaluation& evaluation = data.evaluation;
  const std::size_t seeds = evaluation.seeds.size();
  // Of another corpus' speakers nothing is certain but their names: the notes say what is known.
  const std::string_view speakers = !data.tested_on.empty()             ? ""
                                    : data.protocol.speaker_independent ? ", speaker-independent"
                                                                        : ", speaker-dependent";
  return html + "</div>\n" +
         fmt::format("<p class=\"meta\">{}{}, {}{}, protocol <b>{}</b>{}</p>\n",
                     counted(evaluation.clips, "test clip", "test clips"),
                     data.tested_on.empty() ? "" : " of " + escaped(data.tested_on),
                     classes_text(evaluation),
                     seeds > 0 ? fmt::format(", scored once for each of {} seeds", seeds) : "",
                     escaped(data.protocol.name), speakers);
}

std::string comparison_html(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  if (evaluation.baselines.empty() && !evaluation.pooled_intervals) return {};
  std::string html = fmt::format(
      "<section class=\"keep\">\n<h2>{}</h2>\n<div class=\"scroll\">"
      "<table class=\"plain compact\">\n<thead><tr><th scope=\"col\">per cent</th>"
      "<th scope=\"col\">accuracy</th><th scope=\"col\">UAR</th>"
      "<th scope=\"col\">macro-F1</th></tr></thead>\n<tbody>\n",
      evaluation.baselines.empty() ? "Scores" : "Beside guessing");
  html += network_rows(data);
  for (const Baseline& one : evaluation.baselines) {
    std::array<std::string, 3> cells;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = cell(percent(one.scores.*three_scores[i].guess), "");
    }
    html += row(one.name, "guess", cells);
  }
  html += "</tbody></table></div>\n<p class=\"caption\">";
  if (!evaluation.baselines.empty()) {
    html +=
        "Guessing does not listen: it names the most frequent class of the training part, or draws "
        "classes as often as they come there, or all evenly. ";
  }
  if (evaluation.folds.size() > 1) {
    html += fmt::format("±: the sample standard deviation (n\u00A0−\u00A01) over {}. ",
                        averaged_over(evaluation));
  }
  if (evaluation.ensemble) {
    html +=
        "Ensemble of seeds: the probabilities that the networks of one fold give a clip are "
        "averaged, and the clip is scored once. ";
  }
  if (const std::string text = interval_text(data); !text.empty()) {
    html += fmt::format("Below a score: {}.", text);
  }
  return html + "</p>\n</section>\n";
}

}  // namespace serenade
