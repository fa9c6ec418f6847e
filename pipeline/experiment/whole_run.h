#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"

namespace serenade {

/// The models that belong together in `run` and are not there: of every fold that its split.csv
/// names, the networks of all seeds of `config`. Where there is no split.csv, which only runs have,
/// the folds are those of which some network is there. `run` is a run folder, the folder of a fold,
/// or one network's own folder, which is whole by itself.
std::vector<std::filesystem::path> missing_models(const RunFolder& run,
                                                  const ExperimentConfig& config);

/// Throws DataError naming the missing models: a mean over the others would be another recogniser
/// than the one that was trained and scored.
void expect_networks(const RunFolder& run, const ExperimentConfig& config);

/// Whether the corpus of a finished run is still what it was: a line saying what has changed, empty
/// where nothing has, or where the cache does not have the corpus, so that it is not known which
/// clips the run left out. Recordings that the cache's memo knows unchanged are not read.
std::string change_of_corpus(const RunFolder& run, const ExperimentConfig& config,
                             const std::filesystem::path& cache, Context& context);

}  // namespace serenade
