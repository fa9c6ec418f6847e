#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/evaluation/predictions.h"
#include "pipeline/evaluation/protocols_page.h"
#include "pipeline/support/content_hash.h"

namespace serenade {

/// What a scored run left in its folder, as far as runs are set beside each other.
struct RunResults {
  std::string path;            ///< as the user gave it
  PredictionTable table;       ///< of predictions.csv
  ProtocolScores scores;       ///< of metrics.json
  std::size_t seeds = 1;       ///< networks that heard each test clip
  bool repeats_clips = false;  ///< a clip is tested in several folds
  /// What the recording of an id is; empty where the folder has no split.csv (another corpus').
  std::map<std::string, ContentHash> contents;
};

/// Reads a run folder, or a folder of results on another corpus. Throws DataError where it holds no
/// results, saying what makes them, and where a file is not what such a folder holds.
RunResults read_results(const std::filesystem::path& folder);

}  // namespace serenade
