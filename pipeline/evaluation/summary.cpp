#include "pipeline/evaluation/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/evaluation/number_text.h"
#include "pipeline/metrics/classification_report.h"
#include "pipeline/metrics/columns.h"

namespace serenade {
namespace {

constexpr std::size_t line_width = 96;
constexpr std::size_t longest_row_name = 24;

/// Words of `text` in lines of at most line_width characters; a longer word has its own line.
std::string wrapped(std::string_view text, std::string_view indent) {
  std::string lines;
  std::string line;
  const auto flush = [&] {
    if (!line.empty()) lines.append(indent).append(line).append("\n");
    line.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (text_width(indent) + text_width(line) + 1 + text_width(word) > line_width) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  flush();
  return lines;
}

/// The three scores, for one fold in three lines, for several as a table.
std::string headline(const Evaluation& evaluation) {
  std::string text;
  if (evaluation.folds.size() == 1) {
    const Scores& scores = evaluation.folds.front().scores;
    text += fmt::format("accuracy  {:>5} %\n", percent(scores.accuracy));
    text += fmt::format("UAR       {:>5} %\n", percent(scores.uar));
    text += fmt::format("macro-F1  {:>5} %\n", percent(scores.macro_f1));
    return text;
  }
  std::size_t width = text_width("deviation");
  for (const FoldScores& fold : evaluation.folds) width = std::max(width, text_width(fold.name));
  width = std::min(width, longest_row_name);
  const auto line = [&](std::string_view name, const std::string& accuracy, const std::string& uar,
                        const std::string& macro_f1, const std::string& clips) {
    text += fmt::format("{}  {:>8}  {:>5}  {:>8}{}\n", left_aligned(shortened(name, width), width),
                        accuracy, uar, macro_f1, clips);
  };
  const auto clips_column = [](Index clips) { return right_aligned(thousands(clips), 7); };
  line("per cent", "accuracy", "UAR", "macro-F1", "  clips");
  for (const FoldScores& fold : evaluation.folds) {
    line(fold.name, percent(fold.scores.accuracy), percent(fold.scores.uar),
         percent(fold.scores.macro_f1), clips_column(fold.scores.clips));
  }
  line("mean", percent(evaluation.accuracy.mean), percent(evaluation.uar.mean),
       percent(evaluation.macro_f1.mean), clips_column(evaluation.pooled_scores.clips));
  line("deviation", percent(evaluation.accuracy.deviation), percent(evaluation.uar.deviation),
       percent(evaluation.macro_f1.deviation), "");
  text += "(sample standard deviation over folds, n - 1)\n";
  return text;
}

/// Column headings of `width` characters, or class numbers where names cut short are not unique.
std::vector<std::string> headings(std::span<const std::string> labels, std::size_t width,
                                  bool& numbered) {
  std::vector<std::string> names;
  for (const std::string& label : labels) names.emplace_back(shortened(label, width));
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
  const std::size_t clips_width = 8;

  constexpr std::size_t narrowest = 4;  // " 100" less its space, and a column of air
  const std::size_t left = width > row_name + clips_width ? width - row_name - clips_width : 0;
  const std::size_t share = classes > 0 ? left / classes : 0;
  const std::size_t column =
      std::clamp(share > 2 ? share - 2 : 0, narrowest, std::max(longest, narrowest));
  bool numbered = false;
  const std::vector<std::string> names = headings(labels, column, numbered);
  const auto row_label = [&](std::size_t k) {
    const std::string_view name = shortened(labels[k], row_name);
    return numbered ? fmt::format("{:>3} {}", k, right_aligned(name, row_name))
                    : right_aligned(name, row_name);
  };

  std::string text(row_name + (numbered ? 4 : 0), ' ');
  for (const std::string& name : names) text.append("  ").append(right_aligned(name, column));
  text.append(right_aligned("clips", clips_width)).append("\n");
  for (std::size_t i = 0; i < classes; ++i) {
    const auto truth = static_cast<Index>(i);
    const Index support = confusion.support(truth);
    text += row_label(i);
    for (Index j = 0; j < confusion.classes(); ++j) {
      const Index count = confusion(truth, j);
      const std::string cell = count == 0 ? "." : whole_percent(count, support);
      text.append("  ").append(right_aligned(cell, column));
    }
    text.append(right_aligned(thousands(support), clips_width)).append("\n");
  }
  return text;
}

std::string summary_text(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  std::string text = fmt::format("protocol {}: {}, {} classes\n", data.protocol.name,
                                 counted(evaluation.pooled_scores.clips, "test clip", "test clips"),
                                 evaluation.labels.size());
  text += wrapped(data.protocol.description, "  ");
  for (const std::string& note : data.notes) text += wrapped("note: " + note, "  ");
  for (const std::string& warning : data.warnings) text += wrapped("warning: " + warning, "  ");
  if (evaluation.unlabelled > 0) {
    text += wrapped(fmt::format("note: {} without a true class left out",
                                counted(evaluation.unlabelled, "clip", "clips")),
                    "  ");
  }
  text.append("\n").append(headline(evaluation)).append("\n");
  if (evaluation.folds.size() > 1) text += "All folds together:\n\n";
  text += classification_report(evaluation.pooled, evaluation.labels);
  text += "\nConfusion matrix: true class down, predicted across, per cent of the true class\n\n";
  text += confusion_text(evaluation.pooled, evaluation.labels);
  return text;
}

}  // namespace serenade
