#include "pipeline/evaluation/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/parse_number.h"
#include "pipeline/support/utf8.h"

namespace serenade {
namespace {

constexpr std::array<std::string_view, 8> fixed_columns = {"id",   "file",  "speaker",   "fold",
                                                           "seed", "label", "predicted", "correct"};
constexpr std::string_view probability_prefix = "p_";
constexpr std::string_view field_prefix = "field_";

/// A field's column: its name, unless that could be another column's.
std::string column_of(const std::string& field) {
  const bool taken =
      std::find(fixed_columns.begin(), fixed_columns.end(), field) != fixed_columns.end() ||
      field.starts_with(probability_prefix) || field.starts_with(field_prefix) || field.empty();
  return taken ? std::string(field_prefix) + field : field;
}

/// The columns after the fixed ones.
struct Columns {
  std::vector<std::string> labels, fields;
};

Columns columns_of(const CsvTable& table) {
  const std::vector<std::string>& header = table.names();
  const bool long_enough = header.size() >= fixed_columns.size();
  if (!long_enough || !std::equal(fixed_columns.begin(), fixed_columns.end(), header.begin()) ||
      (header.size() > fixed_columns.size() &&
       !header[fixed_columns.size()].starts_with(probability_prefix))) {
    table.fail(fmt::format("the header must begin with {} and columns named p_ and a class",
                           fmt::join(fixed_columns, ",")));
  }
  Columns columns;
  for (std::size_t i = fixed_columns.size(); i < header.size(); ++i) {
    const std::string& name = header[i];
    if (name.starts_with(probability_prefix)) {
      if (!columns.fields.empty()) {
        table.fail(fmt::format("column \"{}\" comes after \"{}\", which is no class", name,
                               columns.fields.back()));
      }
      columns.labels.push_back(name.substr(probability_prefix.size()));
    } else if (name.starts_with(field_prefix)) {
      columns.fields.push_back(name.substr(field_prefix.size()));
    } else {
      columns.fields.push_back(name);
    }
  }
  const std::set<std::string> distinct(columns.fields.begin(), columns.fields.end());
  if (distinct.size() != columns.fields.size()) table.fail("two columns have the same name");
  return columns;
}

template <class Number>
Number number_in(const CsvTable& table, std::size_t column, std::string_view what) {
  const auto value = parse_number<Number>(table[column]);
  if (!value) table.fail(fmt::format("\"{}\" is not a {}", table[column], what));
  return *value;
}

/// File names may be anything; the table is UTF-8.
std::string field_text(std::string_view text) { return csv_field(as_utf8(text)); }

void expect_probabilities(std::span<const std::string> labels, const ClipPrediction& clip) {
  if (clip.probabilities.size() == labels.size()) return;
  throw ShapeError(fmt::format("clip {} has {} probabilities for {} classes", clip.id,
                               clip.probabilities.size(), labels.size()));
}

}  // namespace

Index class_number(std::span<const std::string> labels, const std::string& name,
                   const ClipPrediction& clip) {
  const auto found = std::find(labels.begin(), labels.end(), name);
  if (found == labels.end()) {
    throw DataError(fmt::format("clip {} ({}): class \"{}\" is none of the model's: {}", clip.id,
                                clip.path, name, fmt::join(labels, ", ")));
  }
  return found - labels.begin();
}

float probability_of(std::span<const std::string> labels, const std::string& name,
                     const ClipPrediction& clip) {
  const Index number = class_number(labels, name, clip);
  expect_probabilities(labels, clip);
  return clip.probabilities[static_cast<std::size_t>(number)];
}

std::string predictions_csv(std::span<const std::string> labels,
                            std::span<const ClipPrediction> rows) {
  std::set<std::string> fields;
  for (const ClipPrediction& row : rows) {
    for (const auto& [field, value] : row.fields) fields.insert(field);
  }
  std::string csv = fmt::format("{}", fmt::join(fixed_columns, ","));
  for (const std::string& label : labels) {
    csv.append(",").append(field_text(std::string(probability_prefix) + label));
  }
  for (const std::string& field : fields) csv.append(",").append(field_text(column_of(field)));
  csv += "\n";
  for (const ClipPrediction& row : rows) {
    expect_probabilities(labels, row);
    const std::string_view right = row.label == row.predicted ? "1" : "0";
    csv += fmt::format("{},{},{},{},{},{},{},{}", field_text(row.id), field_text(row.path),
                       field_text(row.speaker), field_text(row.fold),
                       row.seed ? std::to_string(*row.seed) : "", field_text(row.label),
                       field_text(row.predicted), row.label.empty() ? "" : right);
    for (const float p : row.probabilities) csv.append(",").append(fmt::format("{}", p));
    for (const std::string& field : fields) {
      const auto found = row.fields.find(field);
      csv.append(",").append(found == row.fields.end() ? "" : field_text(found->second));
    }
    csv += "\n";
  }
  return csv;
}

PredictionTable parse_predictions(std::string_view csv) {
  CsvTable cells(csv, "predictions");
  const Columns columns = columns_of(cells);
  PredictionTable table;
  table.labels = columns.labels;
  while (cells.next()) {
    ClipPrediction row;
    row.id = cells[0];
    row.path = cells[1];
    row.speaker = cells[2];
    row.fold = cells[3];
    if (!cells[4].empty()) row.seed = number_in<std::uint64_t>(cells, 4, "seed");
    row.label = cells[5];
    row.predicted = cells[6];
    std::size_t at = fixed_columns.size();
    for (std::size_t k = 0; k < columns.labels.size(); ++k) {
      row.probabilities.push_back(number_in<float>(cells, at++, "probability"));
    }
    for (const std::string& field : columns.fields) {
      if (!cells[at].empty()) row.fields.emplace(field, cells[at]);
      ++at;
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace serenade
