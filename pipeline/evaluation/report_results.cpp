// What came out in full: protocol, folds, confusions, classes.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>

#include "pipeline/evaluation/heat_map.h"
#include "pipeline/evaluation/html.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/report_sections.h"
#include "pipeline/evaluation/result_text.h"

namespace serenade {
namespace {

Index sum(const std::vector<Index>& counts) {
  return std::accumulate(counts.begin(), counts.end(), Index{0});
}

template <class T, class Fits>
const T* first_of(const std::vector<T>& all, const Fits& fits) {
  const auto found = std::find_if(all.begin(), all.end(), fits);
  return found == all.end() ? nullptr : &*found;
}

std::string score_cell(double score, const std::optional<ScoreIntervals>& intervals,
                       Interval ScoreIntervals::*interval) {
  const std::string ends = intervals ? percent_interval((*intervals).*interval) : std::string();
  if (ends.empty()) return fmt::format("<td>{}</td>", percent(score));
  return fmt::format(R"(<td>{}<span class="interval">{}</span></td>)", percent(score), ends);
}

/// Columns of the folds' table that not every run has.
struct FoldColumns {
  bool sizes = false, speakers = false, best = false;
};

/// Scores first: they are what fits on a telephone.
/// `kind` is said behind the fold's name.
std::string fold_row(const ReportData& data, const FoldScores& fold, FoldColumns columns,
                     std::string_view kind = "") {
  std::string name = result_name(data.evaluation, fold);
  if (!kind.empty()) name += (name.empty() ? "" : ", ") + std::string(kind);
  std::string html = kind.empty() ? "<tr>" : fmt::format(R"(<tr class="{}">)", kind);
  html += fmt::format(R"(<th scope="row">{}</th>)", escaped(name));
  html += score_cell(fold.scores.accuracy, fold.intervals, &ScoreIntervals::accuracy) +
          score_cell(fold.scores.uar, fold.intervals, &ScoreIntervals::uar) +
          score_cell(fold.scores.macro_f1, fold.intervals, &ScoreIntervals::macro_f1);
  html += fmt::format("<td>{}</td>", thousands(fold.scores.clips));
  const FoldCorpus* corpus =
      first_of(data.corpus.folds, [&](const FoldCorpus& one) { return one.fold == fold.name; });
  if (columns.sizes) {
    html += fmt::format("<td>{}</td><td>{}</td>", corpus ? thousands(sum(corpus->training)) : "",
                        corpus ? thousands(sum(corpus->validation)) : "");
  }
  if (columns.best) {
    const LearningCurve* curve = first_of(data.curves, [&](const LearningCurve& one) {
      return kind.empty() && one.fold == fold.name && (!one.seed || one.seed == fold.seed);
    });
    html += fmt::format("<td>{}</td>", curve && curve->best_epoch > 0
                                           ? std::to_string(curve->best_epoch)
                                           : std::string());
  }
  if (columns.speakers) {
    html +=
        fmt::format(R"(<td class="words">{}</td>)", escaped(corpus ? corpus->test_speakers : ""));
  }
  return html + "</tr>\n";
}

std::vector<std::string> classes_without_clips(const Evaluation& evaluation) {
  std::vector<std::string> absent;
  for (std::size_t k = 0; k < evaluation.labels.size(); ++k) {
    if (evaluation.pooled_scores.per_class[k].support == 0) absent.push_back(evaluation.labels[k]);
  }
  return absent;
}

}  // namespace

std::string protocol_html(const ReportData& data) {
  std::string html = fmt::format("<section>\n<h2>Protocol: {}</h2>\n<p class=\"protocol\">{}</p>\n",
                                 escaped(data.protocol.name), escaped(data.protocol.description));
  std::string remarks;
  const auto remark = [&](std::string_view css_class, std::string_view kind,
                          const std::string& text) {
    remarks += fmt::format("<li class=\"{}\"><b>{}</b>{}</li>\n", css_class, kind, escaped(text));
  };
  for (const std::string& warning : data.warnings) remark("warning", "Warning", warning);
  for (const std::string& note : data.notes) remark("note", "Note", note);
  // Of another corpus the notes tell which labels the two have in common.
  if (const auto absent = classes_without_clips(data.evaluation);
      !absent.empty() && data.tested_on.empty()) {
    remark("note", "Note",
           fmt::format("No test clip is {}: UAR is the mean recall of the other classes.",
                       fmt::join(absent, " or ")));
  }
  if (data.evaluation.unlabelled > 0) {
    remark("note", "Note",
           fmt::format("{} without a true class left out of every number here.",
                       counted(data.evaluation.unlabelled, "clip", "clips")));
  }
  if (!remarks.empty()) html += "<ul class=\"remarks\">\n" + remarks + "</ul>\n";
  return html + "</section>\n";
}

std::string folds_html(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  if (evaluation.folds.size() < 2) return {};
  FoldColumns columns;
  columns.sizes = !data.corpus.folds.empty();
  columns.speakers =
      std::any_of(data.corpus.folds.begin(), data.corpus.folds.end(),
                  [](const FoldCorpus& fold) { return !fold.test_speakers.empty(); });
  columns.best = std::any_of(data.curves.begin(), data.curves.end(),
                             [](const LearningCurve& curve) { return curve.best_epoch > 0; });
  std::string title = kinds_of_networks(evaluation);
  title.front() = static_cast<char>(std::toupper(title.front()));
  std::string html = fmt::format(
      "<section>\n<h2>{}</h2>\n<div class=\"scroll\"><table class=\"plain folds\">\n"
      "<thead><tr><th scope=\"col\">{}</th>",
      title, evaluation.seeds.empty() ? "fold" : "network");
  html +=
      "<th scope=\"col\">accuracy, %</th><th scope=\"col\">UAR, %</th>"
      "<th scope=\"col\">macro-F1, %</th><th scope=\"col\">test clips</th>";
  if (columns.sizes) html += "<th scope=\"col\">training</th><th scope=\"col\">validation</th>";
  if (columns.best) html += "<th scope=\"col\">best epoch</th>";
  if (columns.speakers) html += "<th scope=\"col\" class=\"words\">test speakers</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const FoldScores& fold : evaluation.folds) html += fold_row(data, fold, columns);
  if (evaluation.ensemble) {
    for (const FoldScores& fold : evaluation.ensemble->folds) {
      html += fold_row(data, fold, columns, "ensemble");
    }
  }
  html += "</tbody>\n<tfoot>\n";
  const int behind =
      1 + (columns.sizes ? 2 : 0) + (columns.best ? 1 : 0) + (columns.speakers ? 1 : 0);
  const auto foot = [&](const std::string& name, const auto& of, double MeanAndDeviation::*part) {
    html += fmt::format(
        R"(<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td colspan="{}"></td></tr>)",
        name, percent(of.accuracy.*part), percent(of.uar.*part), percent(of.macro_f1.*part),
        behind);
    html += "\n";
  };
  foot("mean over " + averaged_over(evaluation), evaluation, &MeanAndDeviation::mean);
  const bool grid = evaluation.ensemble && evaluation.ensemble->folds.size() > 1;
  foot(grid ? "deviation over seeds (n − 1)" : "deviation (n − 1)", evaluation,
       &MeanAndDeviation::deviation);
  if (grid) foot("deviation over folds", evaluation.over_folds, &MeanAndDeviation::deviation);
  if (evaluation.ensemble) {
    foot("ensemble of seeds, mean", *evaluation.ensemble, &MeanAndDeviation::mean);
  }
  if (grid) foot("its deviation over folds", *evaluation.ensemble, &MeanAndDeviation::deviation);
  html += "</tfoot></table></div>\n";
  if (const std::string text = no_interval_text(data); !text.empty()) {
    html += fmt::format("<p class=\"caption\">Below a score: its interval; {}.</p>\n", text);
  }
  return html + "</section>\n";
}

std::string confusion_html(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::string html = "<section class=\"keep\">\n<h2>Confusion matrix</h2>\n";
  html += fmt::format(
      "<p>A row is a true class, a column what its clips were taken for. Large: per cent of the "
      "row; small: clips.{}</p>\n",
      evaluation.folds.size() > 1 ? fmt::format(" Test clips of {}.", together_text(evaluation))
                                  : "");
  html += heat_map_html(evaluation.pooled, evaluation.labels);
  html += common_confusions_html(evaluation.pooled, evaluation.labels, 3);
  return html + "</section>\n";
}

std::string classes_html(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::string html =
      "<section>\n<h2>Classes</h2>\n<div class=\"scroll\"><table class=\"plain\">\n<thead><tr>"
      "<th scope=\"col\">class</th><th scope=\"col\">precision, %</th>"
      "<th scope=\"col\">recall, %</th><th scope=\"col\">F1, %</th>"
      "<th scope=\"col\">test clips</th><th scope=\"col\">taken for it</th>"
      "<th scope=\"col\" class=\"bar words\">recall</th></tr></thead>\n<tbody>\n";
  for (std::size_t k = 0; k < evaluation.labels.size(); ++k) {
    const ClassScores& one = evaluation.pooled_scores.per_class[k];
    const auto known = [](bool is_known, double share) {
      return is_known ? percent(share) : std::string("–");
    };
    html += fmt::format(
        R"(<tr><th scope="row">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>)"
        R"(<td class="bar"><div><span style="width:{}%"></span></div></td></tr>)",
        escaped(evaluation.labels[k]), known(one.predicted > 0, one.precision),
        known(one.support > 0, one.recall), known(one.support + one.predicted > 0, one.f1),
        thousands(one.support), thousands(one.predicted), percent(one.recall));
    html += "\n";
  }
  html += "</tbody></table></div>\n";
  if (evaluation.folds.size() > 1) {
    html += fmt::format("<p class=\"caption\">Test clips of {}.</p>\n", together_text(evaluation));
  }
  return html + "</section>\n";
}

}  // namespace serenade
