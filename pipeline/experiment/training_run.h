#pragma once

#include <vector>

#include "pipeline/experiment/experiment.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"

namespace serenade {

/// What training came to, fold by fold.
struct TrainedRun {
  std::vector<TrainedFold> folds;
  double seconds = 0;  ///< of the clock; 0 where it was trained before
};

/// Trains a network for every fold and saves the models; environment.json is written when all are
/// done. Takes up the folds' last checkpoints where an interrupted run of the same configuration
/// and the same split left some. The caller holds the run's lock.
TrainedRun train_run(const ExperimentConfig& config, const Workplace& workplace,
                     const Prepared& prepared, const RunFolder& run);

/// The same of a run that is trained: curves and layers come from the folds' last checkpoints.
/// Throws DataError where a checkpoint is missing or does not fit.
TrainedRun load_trained_run(const ExperimentConfig& config, const Prepared& prepared,
                            const RunFolder& run);

}  // namespace serenade
