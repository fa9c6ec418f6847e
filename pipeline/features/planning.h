#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "pipeline/features/cache.h"
#include "pipeline/features/plan.h"
#include "pipeline/support/lock_file.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Locks of a cache folder, which several processes may fill at a time. Who holds `planning` alone
/// writes plans, key.txt and index.h5; who holds a shard's lock alone writes that shard. So the
/// unfinished files of whoever held a lock before may be removed by whoever holds it now.
namespace cache_lock {
inline constexpr const char* file = "lock";
inline constexpr std::int64_t planning = 0;
constexpr std::int64_t shard(int number) { return std::int64_t{1} + number; }
}  // namespace cache_lock

/// Different contents, each with the path of the first utterance that has it, in order of hashes.
using Contents = std::map<ContentHash, std::filesystem::path>;

/// How much features a clip is expected to have, by its header. 0 for what cannot be read.
ClipSize expected_size(ContentHash content, const std::filesystem::path& path,
                       const FeatureFunction& function);

/// Removes what killed processes left behind and what cannot be trusted, unless a living process is
/// at work on it. The planning lock must be held, and no shard's. Throws IoError where the folder
/// cannot be listed.
void clean(FeatureCache& cache, const LockFile& locks);

/// The shards to write for the clips in `missing`: unfinished ones of earlier plans that can be
/// finished with `contents`, then those of a new plan for the rest, which is written. Other
/// processes may be at work on any of them. A damaged plan is removed with a warning. The planning
/// lock must be held. Throws IoError.
std::vector<PlannedShard> shards_to_write(const FeatureCache& cache, const Contents& contents,
                                          std::set<ContentHash> missing,
                                          const FeatureFunction& function,
                                          const ShardLimits& limits, int threads,
                                          Observer& observer);

}  // namespace serenade
