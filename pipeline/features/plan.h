#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "pipeline/support/content_hash.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// The clips of one shard, in its order.
struct PlannedShard {
  int number = 0;
  std::vector<ContentHash> clips;
};

/// Which clips go into which shard. Written before anything is extracted, so that an extraction
/// that was killed goes on with the same shards, and a shard's bytes are a function of its plan.
struct Plan {
  int number = 0;  ///< plan-NNN.json
  std::vector<PlannedShard> shards;
};

/// What a clip is expected to need.
struct ClipSize {
  ContentHash content;
  double seconds = 0;     ///< of sound, by its header
  std::size_t bytes = 0;  ///< of features
};

/// When a shard is full. Sizes come from headers: where they lie, a shard is longer or shorter than
/// this and nothing else. Clips and seconds bound the work that is lost when extraction is killed.
struct ShardLimits {
  std::size_t bytes = std::size_t{64} << 20U;
  double seconds = 1200;
  std::size_t clips = 256;
};

/// Cuts clips, which are in order of their hashes, into shards numbered from `first_shard`. A clip
/// that alone is above a limit gets a shard of its own.
std::vector<PlannedShard> cut_into_shards(std::span<const ClipSize> clips, int first_shard,
                                          const ShardLimits& limits = {});

/// "plan-002.json".
std::string plan_name(int number);

/// Throws IoError.
void write_plan(const std::filesystem::path& folder, const Plan& plan);

/// All plans of a folder by number. A plan that cannot be understood is reported through
/// `damaged` and left out: the shards made from it hold all that matters. Throws IoError where the
/// folder cannot be listed.
std::vector<Plan> read_plans(
    const std::filesystem::path& folder,
    const std::function<void(const std::filesystem::path&, const std::string&)>& damaged);

}  // namespace serenade
