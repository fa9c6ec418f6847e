#include "pipeline/metrics/classification_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/metrics/scores.h"

namespace serenade {
namespace {

constexpr std::size_t column = 9;  // of the four headings

/// One average of the rows: unweighted, or weighted by support.
double average(std::span<const ClassScores> rows, double ClassScores::*score, bool weighted) {
  std::vector<double> values;
  Index weight = 0;
  for (const ClassScores& row : rows) {
    const Index one = weighted ? row.support : 1;
    values.push_back(row.*score * static_cast<double>(one));
    weight += one;
  }
  return pairwise_sum(values) / static_cast<double>(weight);
}

}  // namespace

std::string classification_report(const ConfusionMatrix& confusion,
                                  std::span<const std::string> labels, int digits) {
  if (static_cast<Index>(labels.size()) != confusion.classes()) {
    throw ShapeError(fmt::format("{} class names for a confusion matrix of {} classes",
                                 labels.size(), confusion.classes()));
  }
  const Scores scores = scores_of(confusion);
  std::vector<ClassScores> rows;
  std::vector<std::string_view> names;
  std::size_t width = std::max(std::string_view("weighted avg").size(), std::size_t(digits));
  for (std::size_t k = 0; k < labels.size(); ++k) {
    const ClassScores& row = scores.per_class[k];
    if (row.support + row.predicted == 0) continue;
    rows.push_back(row);
    names.push_back(labels[k]);
    width = std::max(width, text_width(labels[k]));
  }

  // scikit-learn's counts are floating point numbers, and printed so, when nothing is right.
  const bool whole = confusion.correct() > 0;
  const auto count = [&](Index clips) { return std::to_string(clips).append(whole ? "" : ".0"); };

  std::string text;
  const auto cell = [&](std::string_view value) {
    text.append(" ").append(right_aligned(value, column));
  };
  const auto start = [&](std::string_view name) {
    text.append(right_aligned(name, width)).append(" ");
  };
  const auto line = [&](std::string_view name, double precision, double recall, double f1,
                        Index support) {
    start(name);
    for (const double value : {precision, recall, f1}) cell(fixed(value, digits));
    cell(count(support));
    text += "\n";
  };

  start("");
  for (const auto* heading : {"precision", "recall", "f1-score", "support"}) cell(heading);
  text += "\n\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    line(names[i], rows[i].precision, rows[i].recall, rows[i].f1, rows[i].support);
  }
  text += "\n";
  start("accuracy");
  cell("");
  cell("");
  cell(fixed(scores.accuracy, digits));
  cell(count(scores.clips));
  text += "\n";
  for (const bool weighted : {false, true}) {
    line(weighted ? "weighted avg" : "macro avg", average(rows, &ClassScores::precision, weighted),
         average(rows, &ClassScores::recall, weighted), average(rows, &ClassScores::f1, weighted),
         scores.clips);
  }
  return text;
}

}  // namespace serenade
