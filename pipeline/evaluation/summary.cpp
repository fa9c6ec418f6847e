#include "pipeline/evaluation/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "kernels/device/error.h"
#include "kernels/device/options.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/result_text.h"
#include "pipeline/metrics/classification_report.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

constexpr std::size_t line_width = 96;
constexpr std::size_t longest_row_name = 24;
constexpr std::size_t number_column = 8;     // "macro-F1"
constexpr std::size_t interval_column = 11;  // "100.0-100.0"
constexpr std::size_t clips_column = 8;

/// Words of `text`, shown by one_line(), in lines of at most line_width characters; a longer word
/// has its own line.
std::string wrapped(std::string_view text, std::string_view indent) {
  std::string lines;
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) lines.append(indent).append(line).append("\n");
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string word = one_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (text_width(indent) + text_width(line) + 1 + text_width(word) > line_width) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return lines;
}

/// "    63.6  58.1-69.0  ": a score with its interval.
std::string score_cell(double score, const std::optional<Interval>& interval = std::nullopt) {
  return right_aligned(percent(score), number_column) + "  " +
         left_aligned(interval ? percent_interval(*interval, "-") : "", interval_column);
}

std::optional<Interval> of(const std::optional<ScoreIntervals>& intervals,
                           Interval ScoreIntervals::*score) {
  return intervals ? std::optional<Interval>((*intervals).*score) : std::nullopt;
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

/// Scores, a row a network, what they come to, and the rows of guessing beside them.
class ScoreTable {
 public:
  explicit ScoreTable(const Evaluation& evaluation) : evaluation_(evaluation) {
    for (const FoldScores& fold : evaluation.folds) fit(result_name(evaluation, fold));
    for (const Baseline& baseline : evaluation.baselines) fit(baseline.name);
    fit(evaluation.ensemble ? "one model, deviation" : "all together");
    width_ = std::min(width_, longest_row_name);
  }

  std::string text(double confidence) {
    heading(evaluation_.pooled_intervals ? shortest(100 * confidence) + "%" : "");
    const bool several = evaluation_.folds.size() > 1;
    if (several) {
      for (const FoldScores& fold : evaluation_.folds) {
        scored(result_name(evaluation_, fold), fold.scores, fold.scores.clips, fold.intervals);
      }
      const std::string_view model = evaluation_.ensemble ? "one model, " : "";
      averages(fmt::format("{}mean", model), evaluation_, &MeanAndDeviation::mean);
      averages(fmt::format("{}deviation", model), evaluation_, &MeanAndDeviation::deviation);
    }
    scored(several ? "all together" : "test part", evaluation_.pooled_scores, evaluation_.clips,
           evaluation_.pooled_intervals);
    if (evaluation_.ensemble) ensemble(*evaluation_.ensemble);
    for (const Baseline& one : evaluation_.baselines) {
      row(one.name, {score_cell(one.scores.accuracy), score_cell(one.scores.uar),
                     score_cell(one.scores.macro_f1)});
    }
    return std::move(text_);
  }

 private:
  using Cells = std::array<std::string, 3>;

  void fit(std::string_view name) { width_ = std::max(width_, text_width(name)); }

  void row(std::string_view name, const Cells& cells, const std::string& clips = "") {
    std::string line = left_aligned(shortened(name, width_), width_);
    for (const std::string& cell : cells) line.append(" ").append(cell);
    text_ += without_trailing_spaces(line + right_aligned(clips, clips_column));
  }
  void heading(const std::string& interval) {
    Cells cells;
    const std::array names{"accuracy", "UAR", "macro-F1"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      cells[i] =
          right_aligned(names[i], number_column) + "  " + left_aligned(interval, interval_column);
    }
    row("per cent", cells, "clips");
  }
  void scored(std::string_view name, const Scores& scores, Index clips,
              const std::optional<ScoreIntervals>& intervals) {
    row(name,
        {score_cell(scores.accuracy, of(intervals, &ScoreIntervals::accuracy)),
         score_cell(scores.uar, of(intervals, &ScoreIntervals::uar)),
         score_cell(scores.macro_f1, of(intervals, &ScoreIntervals::macro_f1))},
        thousands(clips));
  }
  template <class Scored>
  void averages(std::string_view name, const Scored& of, double MeanAndDeviation::*part) {
    row(name,
        {score_cell(of.accuracy.*part), score_cell(of.uar.*part), score_cell(of.macro_f1.*part)});
  }
  void ensemble(const EnsembleScores& of) {
    if (of.folds.size() > 1) {
      averages("ensemble, mean", of, &MeanAndDeviation::mean);
      averages("ensemble, deviation", of, &MeanAndDeviation::deviation);
    }
    scored(of.folds.size() > 1 ? "ensemble, together" : "ensemble of seeds", of.pooled_scores,
           of.pooled_scores.clips, of.pooled_intervals);
  }

  const Evaluation& evaluation_;
  std::size_t width_ = 0;
  std::string text_;
};

/// The table, and what its columns are.
std::string headline(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::string text = ScoreTable(evaluation).text(data.options.confidence);
  std::string legend = interval_text(data);
  if (const std::string without = no_interval_text(data); !without.empty()) {
    legend += ", " + without;
  }
  if (evaluation.folds.size() > 1) {
    if (!legend.empty()) legend += "; ";
    legend += fmt::format("mean and sample deviation (n - 1) over {}", averaged_over(evaluation));
  }
  if (evaluation.ensemble) {
    legend += "; ensemble: the seeds' probabilities averaged, each clip scored once";
  }
  if (!legend.empty()) legend += ". ";
  if (evaluation.calibration.clips > 0) {
    legend += fmt::format("Expected calibration error {} %.",
                          percent(evaluation.calibration.expected_error));
  }
  return text + wrapped(legend, "");
}

/// Column headings of `width` characters, or class numbers where names cut short are not unique.
std::vector<std::string> headings(std::span<const std::string> labels, std::size_t width,
                                  bool& numbered) {
  std::vector<std::string> names;
  for (const std::string& label : labels) {
    names.emplace_back(shortened(label, width));
    names.back().erase(names.back().find_last_not_of(' ') + 1);
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  numbered = distinct.size() < names.size();
  if (numbered) {
    for (std::size_t k = 0; k < names.size(); ++k) names[k] = std::to_string(k);
  }
  return names;
}

}  // namespace

std::string confusion_text(const ConfusionMatrix& confusion, std::span<const std::string> labels,
                           std::size_t width) {
  const std::size_t classes = labels.size();
  if (static_cast<Index>(classes) != confusion.classes()) {
    throw ShapeError(fmt::format("{} class names for a confusion matrix of {} classes", classes,
                                 confusion.classes()));
  }
  std::size_t longest = 0;
  for (const std::string& label : labels) longest = std::max(longest, text_width(label));
  const std::size_t row_name = std::min(longest, longest_row_name);
  constexpr std::size_t narrowest = 4;  // "100" and a column of air
  const auto column = [&](std::size_t k, std::size_t most) {
    return std::clamp(text_width(labels[k]), narrowest, most);
  };
  // A column is as wide as its name; where that is too much, the longest names are cut.
  std::size_t most = std::max(longest, narrowest);
  const auto taken = [&] {
    std::size_t sum = row_name + clips_column;
    for (std::size_t k = 0; k < classes; ++k) sum += 2 + column(k, most);
    return sum;
  };
  while (most > narrowest && taken() > width) --most;
  bool numbered = false;
  const std::vector<std::string> names = headings(labels, most, numbered);
  const auto row_label = [&](std::size_t k) {
    const std::string_view name = shortened(labels[k], row_name);
    return numbered ? fmt::format("{:>3} {}", k, right_aligned(name, row_name))
                    : right_aligned(name, row_name);
  };

  std::string text(row_name + (numbered ? 4 : 0), ' ');
  for (std::size_t k = 0; k < classes; ++k) {
    text.append("  ").append(right_aligned(names[k], column(k, most)));
  }
  text.append(right_aligned("clips", clips_column)).append("\n");
  for (std::size_t i = 0; i < classes; ++i) {
    const auto truth = static_cast<Index>(i);
    const Index support = confusion.support(truth);
    text += row_label(i);
    for (Index j = 0; j < confusion.classes(); ++j) {
      const Index count = confusion(truth, j);
      const std::string cell = count == 0 ? "." : whole_percent(count, support);
      text.append("  ").append(right_aligned(cell, column(static_cast<std::size_t>(j), most)));
    }
    text.append(right_aligned(thousands(support), clips_column)).append("\n");
  }
  return text;
}

std::string summary_text(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::string text =
      fmt::format("protocol {}: {}{}, {}\n", data.protocol.name,
                  counted(evaluation.clips, "test clip", "test clips"),
                  data.tested_on.empty() ? "" : " of " + data.tested_on, classes_text(evaluation));
  text += wrapped(data.protocol.description, "  ");
  for (const std::string& note : data.notes) text += wrapped("note: " + note, "  ");
  for (const std::string& warning : data.warnings) text += wrapped("warning: " + warning, "  ");
  if (evaluation.unlabelled > 0) {
    text += wrapped(fmt::format("note: {} without a true class left out",
                                counted(evaluation.unlabelled, "clip", "clips")),
                    "  ");
  }
  text.append("\n").append(headline(data)).append("\n");
  if (std::string together = together_text(evaluation); !together.empty()) {
    together.front() = 'A';  // "All folds together"
    text += together + ":\n\n";
  }
  std::vector<std::string> labels;
  for (const std::string& label : evaluation.labels) labels.push_back(one_line(label));
  text += classification_report(evaluation.pooled, labels);
  text += "\nConfusion matrix: true class down, predicted across, per cent of the true class\n\n";
  text += confusion_text(evaluation.pooled, labels);
  return text;
}

}  // namespace serenade
