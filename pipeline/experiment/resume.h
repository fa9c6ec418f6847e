#pragma once

#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Makes the run in `folder` one that goes on with `config`, and says how far it is. The
/// configuration may differ from the one the run has in what leaves the epochs that are done as
/// they are: corpus.path and corpus.title, and training.epochs, which may be raised unless the
/// schedule is laid out over all epochs. A finished run that has epochs to go is opened again: its
/// scores and kept models go, its checkpoints stay. The caller holds the run's lock. Throws
/// DataError where there is no run to resume, or where the configurations differ otherwise, naming
/// the lines.
RunFolder::State resume_run(const RunFolder& folder, const ExperimentConfig& config,
                            Observer& observer);

}  // namespace serenade
