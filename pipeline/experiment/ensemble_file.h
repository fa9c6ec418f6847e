#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/content_hash.h"

namespace serenade {

/// ensemble.json: which runs speak together, each counting the same. Networks are named by their
/// files' hashes, so that a run that was trained again is noticed.
struct EnsembleFile {
  struct Model {
    std::string file;  ///< in the run's folder: "fold-1/seed-2/model.safetensors"
    ContentHash hash;
  };
  struct Run {
    std::string path;  ///< relative to the ensemble's folder: "../first"
    std::vector<Model> models;
  };
  std::vector<Run> runs;
};

/// Whether the folder is an ensemble's.
bool is_ensemble(const RunFolder& folder);

/// The runs' models as they are now. Each run must be trained.
EnsembleFile list_models(const RunFolder& folder, const std::vector<RunFolder>& runs);

/// ensemble.json's text, and the file of a folder read back. Throws DataError naming the file where
/// it is not what ensemble_json writes, IoError where it cannot be read.
std::string ensemble_json(const EnsembleFile& file);
EnsembleFile read_ensemble(const RunFolder& folder);

/// The folders of its runs. Throws DataError naming the run that is gone or whose models are not
/// those that were combined.
std::vector<RunFolder> runs_of(const RunFolder& folder, const EnsembleFile& file);

}  // namespace serenade
