#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/evaluation/evaluation.h"
#include "pipeline/experiment/experiment.h"

namespace serenade {

/// Folds by seeds of a run that is scored: each network, what they come to, and, of several seeds,
/// each fold's as one recogniser.
struct CrossvalTable {
  std::string name;
  std::string protocol;
  Evaluation evaluation;            ///< without intervals and baselines, which metrics.json has
  std::vector<std::size_t> epochs;  ///< that each network of evaluation.folds was trained
};

/// Throws ConfigError, saying what to set, where the configuration gives one fold and one seed.
void expect_several_networks(const ExperimentConfig& config);

/// From predictions.csv and the networks' metrics.csv in a run's folder. Throws DataError where the
/// run is not finished.
CrossvalTable crossval_table(const RunFolder& run);

struct CrossvalResult {
  RunResult run;
  CrossvalTable table;
};

/// run(), and the table of what came of it, in crossval.csv and crossval.json beside metrics.json.
/// Throws as expect_several_networks and run() do.
CrossvalResult crossval(const ExperimentConfig& config, const Workplace& workplace);

/// For a terminal, under 100 columns.
std::string crossval_text(const CrossvalTable& table);

/// crossval.csv: row,fold,seed,accuracy,uar,macro_f1,clips,epochs, shares from 0 to 1, empty where
/// there is none. `row` is
///
///     network                one network on its fold's test part
///     mean_over_folds, deviation_over_folds   a fold's value being the mean over its seeds
///     mean_over_seeds, deviation_over_seeds   a seed's value being the mean over its folds; of
///                            several seeds
///     pooled                 all test clips in one matrix, once for each seed
///     ensemble               of several seeds: a fold's networks, probabilities averaged
///     ensemble_mean, ensemble_deviation       over folds
///     ensemble_pooled        all test clips in one matrix
///
/// Deviations are the sample's (n - 1).
std::string crossval_csv(const CrossvalTable& table);

/// crossval.json: format, name, protocol, rows: a list of the same rows as objects, null where a
/// number cannot be given.
std::string crossval_json(const CrossvalTable& table);

}  // namespace serenade
