#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/experiment/experiment.h"

namespace serenade {

/// Combines trained runs into RUNS/NAME, which is then evaluated and predicts like a run: the
/// probabilities of a run's networks are averaged, then those of the runs, each of which counts the
/// same. They may differ in everything that is not asked for here: seeds, features, layers,
/// training. Writes ensemble.json, predictions, metrics and the report.
///
/// Throws ConfigError where the name cannot be a folder's. Throws DataError, before anything is
/// written, where there are fewer than two runs or one stands twice, is not trained, not whole or
/// itself an ensemble; where labels, recordings or folds differ; where a clip that one run is
/// tested on was in the training or validation part of another run's network for the same fold, by
/// the bytes of the recording: that leaks; where test parts differ otherwise; and where the folder
/// holds something, unless workplace.force.
ReportData combine_runs(const std::vector<std::filesystem::path>& runs, const std::string& name,
                        const Workplace& workplace);

/// Scores an ensemble on its runs' test part, again. Writes the results where it has none. Throws
/// DataError where a run or its corpus is not what was combined.
ReportData evaluate_ensemble(const RunFolder& folder, const Workplace& workplace);

}  // namespace serenade
