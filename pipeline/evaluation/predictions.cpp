#include "pipeline/evaluation/predictions.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "kernels/device/error.h"
#include "pipeline/support/csv.h"

namespace serenade {
namespace {

constexpr std::array<std::string_view, 7> fixed_columns = {"id",    "file",      "speaker", "fold",
                                                           "label", "predicted", "correct"};
constexpr std::string_view probability_prefix = "p_";

std::vector<std::string> labels_of_header(const CsvReader& reader,
                                          const std::vector<std::string>& header) {
  const bool long_enough = header.size() >= fixed_columns.size();
  if (!long_enough || !std::equal(fixed_columns.begin(), fixed_columns.end(), header.begin())) {
    reader.fail(fmt::format("the header must begin with {}", fmt::join(fixed_columns, ",")));
  }
  std::vector<std::string> labels;
  for (std::size_t i = fixed_columns.size(); i < header.size(); ++i) {
    if (!header[i].starts_with(probability_prefix)) {
      reader.fail(fmt::format("column \"{}\" is none of this file's: expected p_ and a class name",
                              header[i]));
    }
    labels.push_back(header[i].substr(probability_prefix.size()));
  }
  return labels;
}

float parse_probability(const CsvReader& reader, const std::string& text) {
  float value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    reader.fail(fmt::format("\"{}\" is not a probability", text));
  }
  return value;
}

}  // namespace

std::string predictions_csv(std::span<const std::string> labels,
                            std::span<const ClipPrediction> rows) {
  std::string csv = fmt::format("{}", fmt::join(fixed_columns, ","));
  for (const std::string& label : labels) {
    csv.append(",").append(csv_field(std::string(probability_prefix) + label));
  }
  csv += "\n";
  for (const ClipPrediction& row : rows) {
    if (row.probabilities.size() != labels.size()) {
      throw ShapeError(fmt::format("clip {} has {} probabilities for {} classes", row.id,
                                   row.probabilities.size(), labels.size()));
    }
    const std::string_view right = row.label == row.predicted ? "1" : "0";
    csv += fmt::format("{},{},{},{},{},{},{}", csv_field(row.id), csv_field(row.path),
                       csv_field(row.speaker), csv_field(row.fold), csv_field(row.label),
                       csv_field(row.predicted), row.label.empty() ? "" : right);
    for (const float p : row.probabilities) csv.append(",").append(fmt::format("{}", p));
    csv += "\n";
  }
  return csv;
}

PredictionTable parse_predictions(std::string_view csv) {
  CsvReader reader(csv, "predictions");
  std::vector<std::string> fields;
  if (!reader.next(fields)) reader.fail("the file is empty");
  PredictionTable table;
  table.labels = labels_of_header(reader, fields);
  const std::size_t columns = fields.size();
  while (reader.next(fields)) {
    if (fields.size() != columns) {
      reader.fail(fmt::format("{} fields where the header has {}", fields.size(), columns));
    }
    ClipPrediction row;
    row.id = fields[0];
    row.path = fields[1];
    row.speaker = fields[2];
    row.fold = fields[3];
    row.label = fields[4];
    row.predicted = fields[5];
    for (std::size_t i = fixed_columns.size(); i < columns; ++i) {
      row.probabilities.push_back(parse_probability(reader, fields[i]));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace serenade
