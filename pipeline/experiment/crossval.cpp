#include "pipeline/experiment/crossval.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/experiment/run_config.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

/// Folds that a list of parts names; 1 where it has no such column.
std::size_t listed_folds(const std::string& path) {
  const std::string text = read_file(path, run_file::max_text_bytes);
  CsvTable table(text, path);
  const auto fold = table.find("fold");
  if (!fold) return 1;
  std::set<std::string> names;
  while (table.next()) names.insert(table[*fold]);
  return names.size();
}

/// As many as can be known before the corpus is read; of the protocols of several folds, several.
std::size_t folds_of(const SplitOptions& split) {
  if (split.protocol == Protocol::random || split.protocol == Protocol::random_grouped) {
    return std::max<std::size_t>(split.seeds.size(), 1);
  }
  return split.protocol == Protocol::listed ? listed_folds(split.file) : 2;
}

}  // namespace

void expect_several_networks(const ExperimentConfig& config) {
  if (config.seeds.size() > 1 || folds_of(config.split) > 1) return;
  const bool listed = config.split.protocol == Protocol::listed;
  throw ConfigError(fmt::format(
      "crossval needs several folds or several seeds, and split.protocol {} with {} is one "
      "network: "
      "{}set seeds: [1, 2, 3] for several networks on one split, or a protocol of several folds "
      "(emobox, luna, speaker-kfold, loso); `serenade run` trains a single network",
      enum_name(config.split.protocol), config.seeds.empty() ? "no seeds" : "one of seeds",
      listed ? "name folds in the list's column fold, "
             : "set split.seeds: [1, 2, 3] to draw several splits, a fold each, "));
}

CrossvalTable crossval_table(const RunFolder& run) {
  if (run.state() != RunFolder::State::finished) {
    throw DataError(fmt::format("{}: is not scored yet; `serenade evaluate {}` does that",
                                run.path().string(), run.path().string()));
  }
  const ExperimentConfig config = config_of(run);
  const PredictionTable predictions =
      parse_predictions(read_file(run.file(run_file::predictions), run_file::max_prediction_bytes));
  CrossvalTable table{config.name,
                      protocol_name(config),
                      evaluate_predictions(predictions.labels, predictions.rows, config.evaluation),
                      {}};
  std::set<std::string> folds;
  for (const FoldScores& fold : table.evaluation.folds) folds.insert(fold.name);
  for (const FoldScores& fold : table.evaluation.folds) {
    const RunFolder member = run.fold(fold.name, folds.size())
                                 .seed(fold.seed.value_or(config.seed), seeds_of(config).size());
    table.epochs.push_back(member.epochs_done());
  }
  return table;
}

CrossvalResult crossval(const ExperimentConfig& config, const Workplace& workplace) {
  expect_several_networks(config);
  CrossvalResult result{run(config, workplace), {}};
  const RunFolder& folder = result.run.folder;
  result.table = crossval_table(folder);
  const RunLock lock(folder);
  // What a finished run holds stays as it is.
  const auto write = [&](std::string_view name, const std::string& text) {
    const auto path = folder.file(name);
    if (!result.run.was_finished || !std::filesystem::exists(path)) {
      write_file_atomically(path, text);
    }
  };
  write(run_file::crossval_csv, crossval_csv(result.table));
  write(run_file::crossval_json, crossval_json(result.table));
  return result;
}

}  // namespace serenade
