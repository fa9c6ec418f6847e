// The table of a sweep, as text, CSV and JSON.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/evaluation/number_text.h"
#include "pipeline/experiment/sweep.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

std::string judged_text(const SweepResult& result, double value) {
  if (result.judge == Judge::val_loss) return fixed(value, 4);
  return percent(value);
}

std::string number_text(double value) { return std::isfinite(value) ? shortest(value) : ""; }

/// All rows try the same keys.
std::vector<std::string> keys_of(const SweepResult& result) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : result.rows.front().point.values) keys.push_back(key);
  return keys;
}

}  // namespace

std::string sweep_text(const SweepResult& result) {
  std::vector<std::vector<std::string>> table;
  std::vector<std::string> heading = {"place", std::string(enum_name(result.judge)), "deviation",
                                      "epoch", "parameters"};
  for (const std::string& key : keys_of(result)) heading.push_back(one_line(key));
  table.push_back(heading);
  std::size_t place = 0;
  std::string failures;
  for (const SweepRow& row : result.rows) {
    std::vector<std::string> cells(5);
    if (row.judged) {
      cells = {
          std::to_string(++place), judged_text(result, row.judged->mean),
          std::isfinite(row.judged->deviation) ? judged_text(result, row.judged->deviation) : "",
          fixed(row.kept_epoch, row.networks > 1 ? 1 : 0), thousands(row.parameters)};
    } else {
      cells = {"-", "failed", "", "", ""};
      failures += fmt::format("failed: {}: {}\n", row.point.name, one_line(row.failure));
    }
    for (const auto& [key, value] : row.point.values) cells.push_back(one_line(value));
    table.push_back(std::move(cells));
  }
  std::vector<std::size_t> widths(heading.size(), 0);
  for (const auto& cells : table) {
    for (std::size_t k = 0; k < cells.size(); ++k) {
      widths[k] = std::max(widths[k], text_width(cells[k]));
    }
  }
  const std::size_t networks = result.rows.front().networks;
  std::string text = fmt::format(
      "{} points, judged by {} of the validation part at the epoch kept{}; the test part was not "
      "scored\n\n",
      result.rows.size(), enum_name(result.judge),
      networks > 1 ? fmt::format(", mean over {} networks (folds, seeds)", networks) : "");
  for (const auto& cells : table) {
    std::string line;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      line += (k > 0 ? "  " : "") + right_aligned(cells[k], widths[k]);
    }
    text += line + "\n";
  }
  return text + (failures.empty() ? "" : "\n") + failures;
}

std::string sweep_csv(const SweepResult& result) {
  std::string csv = "place,point,judge,value,deviation,networks,kept_epoch,parameters";
  for (const std::string& key : keys_of(result)) csv += "," + csv_field(key);
  csv += ",failure\n";
  std::size_t place = 0;
  for (const SweepRow& row : result.rows) {
    if (row.judged) {
      csv +=
          fmt::format("{},{},{},{},{},{},{},{}", ++place, row.point.name, enum_name(result.judge),
                      number_text(row.judged->mean), number_text(row.judged->deviation),
                      row.networks, number_text(row.kept_epoch), row.parameters);
    } else {
      csv += fmt::format(",{},{},,,,,", row.point.name, enum_name(result.judge));
    }
    for (const auto& [key, value] : row.point.values) csv += "," + csv_field(value);
    csv += "," + csv_field(row.failure) + "\n";
  }
  return csv;
}

std::string sweep_json(const std::string& name, const SweepResult& result) {
  using nlohmann::ordered_json;
  const auto number = [](double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
  };
  ordered_json json;
  json["format"] = 1;
  json["name"] = name;
  json["judge"] = enum_name(result.judge);
  json["notes"] = result.notes;
  json["points"] = ordered_json::array();
  for (const SweepRow& row : result.rows) {
    ordered_json one;
    one["point"] = row.point.name;
    one["values"] = ordered_json::object();
    for (const auto& [key, value] : row.point.values) one["values"][key] = value;
    one["value"] = row.judged ? number(row.judged->mean) : ordered_json(nullptr);
    one["deviation"] = row.judged ? number(row.judged->deviation) : ordered_json(nullptr);
    one["networks"] = row.networks;
    one["kept_epoch"] = number(row.kept_epoch);
    one["parameters"] = row.parameters;
    one["failure"] = row.failure.empty() ? ordered_json(nullptr) : ordered_json(row.failure);
    json["points"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
