#pragma once

#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// What going on with a run comes to.
struct Resumption {
  RunFolder::State state;  ///< how far the run is with the configuration that it is to have
  /// It is to be opened again, RunFolder::reopen(), and given the new configuration: its scores and
  /// kept models go, its checkpoints stay.
  bool reopens = false;
};

/// How the run in `folder` can go on with `config`, which may differ from the one that the run has
/// in what leaves the epochs that are done as they are: corpus.path and corpus.title, and
/// training.epochs, which may be raised unless something is laid out over all epochs. Takes out
/// half-written files and changes nothing else: what a finished run holds must stay until it is
/// known that the run can go on. The caller holds the run's lock. Throws DataError where there is
/// no run to resume, or where the configurations differ otherwise, naming the lines.
Resumption resume_run(const RunFolder& folder, const ExperimentConfig& config, Observer& observer);

}  // namespace serenade
