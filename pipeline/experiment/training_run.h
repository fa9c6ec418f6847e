#pragma once

#include <vector>

#include "pipeline/experiment/experiment.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"

namespace serenade {

/// What training came to, network by network, in the order of run_members().
struct TrainedRun {
  std::vector<TrainedNetwork> networks;
  double seconds = 0;  ///< of the clock, over all sessions that trained it; 0 where that is unknown
};

/// Throws what training would throw before its first step: where features, layers, options or class
/// weights do not fit together.
void expect_trainable(const ExperimentConfig& config, const Prepared& prepared);

/// Throws DataError where a trained run cannot go on from its checkpoints: where the corpus no
/// longer gives its split, or a network's last checkpoint is missing or does not fit.
void expect_resumable(const ExperimentConfig& config, const Prepared& prepared,
                      const RunFolder& run);

/// Trains a network for every fold and seed, all side by side over one data set, and saves the
/// models; environment.json is written when all are done. Takes up the networks' last checkpoints
/// where an interrupted run of the same configuration and the same split left some. Where they
/// cannot be taken up it begins anew with a warning, or, with workplace.resume, throws DataError.
/// The caller holds the run's lock.
TrainedRun train_run(const ExperimentConfig& config, const Workplace& workplace,
                     const Prepared& prepared, const RunFolder& run);

/// A run that trains together with others.
struct RunToTrain {
  ExperimentConfig config;
  RunFolder folder;
};

/// train_run of several runs at once, all networks side by side over one data set: runs of one
/// configuration but for names and training options, of which cache_in_memory is the first's. What
/// a run becomes does not depend on the others. What ends the training of one network ends that of
/// all; their last checkpoints let them go on. The caller holds the locks of all runs.
std::vector<TrainedRun> train_runs(const std::vector<RunToTrain>& runs, const Workplace& workplace,
                                   const Prepared& prepared);

/// The same of a run that is trained: curves and layers come from the networks' last checkpoints.
/// Throws DataError where a checkpoint is missing or does not fit.
TrainedRun load_trained_run(const ExperimentConfig& config, const Prepared& prepared,
                            const RunFolder& run);

}  // namespace serenade
