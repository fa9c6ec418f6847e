#pragma once

#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"

namespace serenade {

/// The configuration that a run's folder holds. Throws DataError where it holds none, IoError where
/// it cannot be read and ConfigError where it is none of this version's.
ExperimentConfig config_of(const RunFolder& run);

/// Whether the folder holds this very configuration, also where it was saved before keys were
/// added.
bool is_of(const RunFolder& run, const ExperimentConfig& config);

}  // namespace serenade
