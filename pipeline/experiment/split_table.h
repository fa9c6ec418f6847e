#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "kernels/device/tensor.h"
#include "pipeline/support/content_hash.h"

namespace serenade {

/// What a run's split.csv says.
struct SplitTable {
  /// Recordings by their contents, and their ids.
  using Clips = std::map<ContentHash, std::string>;
  struct Fold {
    Clips heard;  ///< of the training and validation parts
    Clips test;
  };

  std::map<std::string, Fold> folds;       ///< by name
  Clips clips;                             ///< of all parts
  std::set<std::string> heard_speakers;    ///< of the training and validation parts of all folds
  std::map<std::string, Index> trained;    ///< clips of the training parts by label, all folds
  std::map<std::string, std::string> who;  ///< speaker and label by id: "12 fearful"
};

/// Throws IoError where it cannot be read, DataError naming the line where it is none.
SplitTable read_split_table(const std::filesystem::path& path);

}  // namespace serenade
