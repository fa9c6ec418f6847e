// The table of folds by seeds, as text, CSV and JSON: the same rows in each.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "pipeline/evaluation/number_text.h"
#include "pipeline/evaluation/result_text.h"
#include "pipeline/experiment/crossval.h"
#include "pipeline/metrics/columns.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

struct Row {
  std::string kind, fold;
  std::optional<std::uint64_t> seed;
  double accuracy = 0, uar = 0, macro_f1 = 0;
  std::optional<Index> clips;
  std::optional<std::size_t> epochs;
};

template <class Averages>
void add_averages(std::vector<Row>& rows, const Averages& of, const std::string& mean,
                  const std::string& deviation) {
  rows.push_back({mean, "", {}, of.accuracy.mean, of.uar.mean, of.macro_f1.mean, {}, {}});
  rows.push_back(
      {deviation, "", {}, of.accuracy.deviation, of.uar.deviation, of.macro_f1.deviation, {}, {}});
}

Row scored(const std::string& kind, const FoldScores& fold, std::optional<std::size_t> epochs) {
  return {kind,
          fold.name,
          kind == "network" ? fold.seed : std::nullopt,
          fold.scores.accuracy,
          fold.scores.uar,
          fold.scores.macro_f1,
          fold.scores.clips,
          epochs};
}

Row pooled(const std::string& kind, const Scores& scores) {
  return {kind, "", {}, scores.accuracy, scores.uar, scores.macro_f1, scores.clips, {}};
}

std::vector<Row> rows_of(const CrossvalTable& table) {
  const Evaluation& evaluation = table.evaluation;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < evaluation.folds.size(); ++i) {
    rows.push_back(scored("network", evaluation.folds[i], table.epochs.at(i)));
  }
  const bool several_folds = !evaluation.ensemble || evaluation.ensemble->folds.size() > 1;
  if (several_folds) {
    add_averages(rows, evaluation.over_folds, "mean_over_folds", "deviation_over_folds");
  }
  if (evaluation.ensemble) {
    add_averages(rows, evaluation, "mean_over_seeds", "deviation_over_seeds");
  }
  rows.push_back(pooled("pooled", evaluation.pooled_scores));
  if (!evaluation.ensemble) return rows;
  const EnsembleScores& ensemble = *evaluation.ensemble;
  for (const FoldScores& fold : ensemble.folds) rows.push_back(scored("ensemble", fold, {}));
  if (several_folds) add_averages(rows, ensemble, "ensemble_mean", "ensemble_deviation");
  rows.push_back(pooled("ensemble_pooled", ensemble.pooled_scores));
  return rows;
}

std::string share_text(double share) { return std::isfinite(share) ? shortest(share) : ""; }

/// "fold-2, seed 3", "mean over folds".
std::string name_of_row(const Row& row, bool seeds) {
  std::string name = row.kind;
  for (char& c : name) c = c == '_' ? ' ' : c;
  if (row.kind != "network" && row.kind != "ensemble") return name;
  std::string place = one_line(row.fold);
  if (row.kind == "ensemble") return place.empty() ? "ensemble of seeds" : place + ", ensemble";
  if (seeds && row.seed) place += fmt::format("{}seed {}", place.empty() ? "" : ", ", *row.seed);
  return place;
}

}  // namespace

std::string crossval_text(const CrossvalTable& table) {
  constexpr std::size_t longest = 40, column = 10;
  const bool seeds = table.evaluation.ensemble.has_value();
  const std::vector<Row> rows = rows_of(table);
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, text_width(name_of_row(row, seeds)));
  width = std::min(width, longest);
  std::string text = fmt::format("{}, protocol {}: {}\n\n", table.name, table.protocol,
                                 averaged_over(table.evaluation));
  const auto line = [&](std::string_view name, std::initializer_list<std::string> cells) {
    text += left_aligned(shortened(name, width), width);
    for (const std::string& cell : cells) text += right_aligned(cell, column);
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  line("per cent", {"accuracy", "UAR", "macro-F1", "clips", "epochs"});
  for (const Row& row : rows) {
    line(name_of_row(row, seeds),
         {percent(row.accuracy), percent(row.uar), percent(row.macro_f1),
          row.clips ? thousands(*row.clips) : "", row.epochs ? std::to_string(*row.epochs) : ""});
  }
  text += "\nDeviations are the sample's (n - 1).";
  if (seeds) {
    text +=
        " One model: mean over seeds. Ensemble: the probabilities of a fold's\nnetworks averaged, "
        "each clip scored once.";
  }
  return text + "\n";
}

std::string crossval_csv(const CrossvalTable& table) {
  std::string csv = "row,fold,seed,accuracy,uar,macro_f1,clips,epochs\n";
  for (const Row& row : rows_of(table)) {
    csv += fmt::format("{},{},{},{},{},{},{},{}\n", row.kind, csv_field(row.fold),
                       row.seed ? std::to_string(*row.seed) : "", share_text(row.accuracy),
                       share_text(row.uar), share_text(row.macro_f1),
                       row.clips ? std::to_string(*row.clips) : "",
                       row.epochs ? std::to_string(*row.epochs) : "");
  }
  return csv;
}

std::string crossval_json(const CrossvalTable& table) {
  using nlohmann::ordered_json;
  const auto number = [](double value) {
    return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
  };
  const auto optional = [](const auto& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
  };
  ordered_json json;
  json["format"] = 1;
  json["name"] = table.name;
  json["protocol"] = table.protocol;
  json["rows"] = ordered_json::array();
  for (const Row& row : rows_of(table)) {
    json["rows"].push_back({{"row", row.kind},
                            {"fold", row.fold},
                            {"seed", optional(row.seed)},
                            {"accuracy", number(row.accuracy)},
                            {"uar", number(row.uar)},
                            {"macro_f1", number(row.macro_f1)},
                            {"clips", optional(row.clips)},
                            {"epochs", optional(row.epochs)}});
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
