#include "pipeline/experiment/run_members.h"

#include <fmt/format.h>

namespace serenade {

std::vector<RunMember> run_members(const ExperimentConfig& config, const Split& split,
                                   const RunFolder& run) {
  std::vector<RunMember> members;
  for (std::size_t k = 0; k < split.folds.size(); ++k) {
    const std::string& fold = split.folds[k].name();
    const std::vector<std::uint64_t> seeds = seeds_of_fold(config, k);
    for (const std::uint64_t seed : seeds) {
      std::string name = fold;
      if (seeds.size() > 1) {
        name = fmt::format("{}seed-{}", split.folds.size() > 1 ? fold + " " : "", seed);
      }
      members.push_back(
          {k, seed, name, run.fold(fold, split.folds.size()).seed(seed, seeds.size())});
    }
  }
  return members;
}

}  // namespace serenade
