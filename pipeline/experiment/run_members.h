#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/corpus/split.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"

namespace serenade {

/// One network of a run: what it learns from, what its random numbers are keyed by, where its files
/// are.
struct RunMember {
  std::size_t fold = 0;    ///< its place in Split::folds
  std::uint64_t seed = 0;  ///< of its initial weights, order and dropout
  std::string name;        ///< "fold-2", "fold-2 seed-3", "seed-3"
  RunFolder folder;
};

/// Every seed of the first fold, then of the second. Names and folders say the fold where the split
/// has several, and the seed where the configuration lists several.
std::vector<RunMember> run_members(const ExperimentConfig& config, const Split& split,
                                   const RunFolder& run);

}  // namespace serenade
