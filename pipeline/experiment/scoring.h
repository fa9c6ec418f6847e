#pragma once

#include <span>
#include <string>
#include <vector>

#include "pipeline/experiment/training_run.h"

namespace serenade {

/// What every network of a run says of the test part of its fold, each by itself. Throws DataError
/// where a model was made for other labels or features than the corpus gives.
std::vector<ClipPrediction> predict_test_parts(const ExperimentConfig& config,
                                               const Workplace& workplace, const Prepared& prepared,
                                               const RunFolder& run);

/// A run's models scored on its own test parts.
struct ScoredRun {
  ReportData report;
  std::vector<ClipPrediction> predictions;
};

/// Scores every network on its fold's test part, each by itself. Writes nothing. Throws DataError
/// where a model was made for other labels or features than the corpus gives.
ScoredRun score_run(const ExperimentConfig& config, const Workplace& workplace,
                    const Prepared& prepared, const RunFolder& run, const TrainedRun& trained);

/// Predictions, metrics and report of the run and, of several networks, of each; metrics.json of
/// the run last. Throws IoError.
void write_scores(const ExperimentConfig& config, Context& context, const Prepared& prepared,
                  const RunFolder& run, const ScoredRun& scored);

}  // namespace serenade
