#include "pipeline/features/planning.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "kernels/device/error.h"
#include "pipeline/audio/decode.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// The shard that a file belongs to, by its name: "shard-00003.h5", "shard-00003.xxh3".
std::optional<int> shard_of(const std::string& name) {
  return shard_number(fs::path(name).replace_extension(".h5").string());
}

bool all_known(const PlannedShard& shard, const Contents& contents) {
  return std::all_of(shard.clips.begin(), shard.clips.end(),
                     [&](const ContentHash& clip) { return contents.contains(clip); });
}

/// What is in every plan's way: numbers that are used up.
struct Numbers {
  int plan = 0;
  int shard = 0;
};

Numbers free_numbers(const fs::path& folder, const std::vector<Plan>& plans) {
  Numbers next;
  for (const auto& plan : plans) {
    next.plan = std::max(next.plan, plan.number + 1);
    if (!plan.shards.empty()) next.shard = std::max(next.shard, plan.shards.back().number + 1);
  }
  for (const fs::path& path : entries_of(folder)) {
    const auto number = shard_number(path.filename().string());
    if (number) next.shard = std::max(next.shard, *number + 1);
  }
  return next;
}

/// Sizes of clips in order of their hashes, by headers, read on all threads.
std::vector<ClipSize> measure(const std::set<ContentHash>& clips, const Contents& contents,
                              const FeatureFunction& function, int threads) {
  std::vector<ClipSize> sizes;
  sizes.reserve(clips.size());
  for (const ContentHash& clip : clips) sizes.push_back({clip, 0, 0});
  Context context(threads);
  context.parallel(static_cast<Index>(sizes.size()), [&](Index i) {
    ClipSize& size = sizes[static_cast<std::size_t>(i)];
    size = expected_size(size.content, contents.at(size.content), function);
  });
  return sizes;
}

}  // namespace

ClipSize expected_size(ContentHash content, const fs::path& path, const FeatureFunction& function) {
  // A header may promise anything; decode() ends there too.
  const double longest = static_cast<double>(max_decoded_samples) / function.sample_rate;
  const double seconds = std::min(stated_seconds(path, function.decode), longest);
  const auto samples = static_cast<Index>(seconds * function.sample_rate) + 1;
  const Index numbers = seconds > 0 ? function.rows(samples) * function.dims() : 0;
  return {content, seconds, static_cast<std::size_t>(numbers) * sizeof(float)};
}

void clean(FeatureCache& cache, const LockFile& locks) {
  std::error_code ignored;  // what cannot be removed is replaced or in nobody's way
  for (const fs::path& path : entries_of(cache.folder())) {
    const std::string unfinished = unfinished_name(path.filename().string());
    if (unfinished.empty()) continue;
    const auto shard = shard_of(unfinished);
    const auto held = shard ? locks.try_lock(cache_lock::shard(*shard)) : std::nullopt;
    if (!shard || held) fs::remove(path, ignored);
  }
  const std::vector<DamagedFile> damaged(cache.damaged().begin(), cache.damaged().end());
  for (const auto& file : damaged) {
    const int number = *shard_number(file.path.filename().string());
    const auto held = locks.try_lock(cache_lock::shard(number));
    if (!held) continue;
    try {
      cache.add_shard(number);  // another process may have repaired it
    } catch (const Error&) {
      fs::remove(file.path, ignored);
    }
  }
}

std::vector<PlannedShard> shards_to_write(const FeatureCache& cache, const Contents& contents,
                                          std::set<ContentHash> missing,
                                          const FeatureFunction& function,
                                          const ShardLimits& limits, int threads,
                                          Observer& observer) {
  const auto plans = read_plans(cache.folder(), [&](const fs::path& path, const std::string& why) {
    observer.warn(
        fmt::format("{}: removed, as it is damaged ({}); the clips of its unfinished "
                    "shards are planned anew",
                    path.string(), why));
    std::error_code ignored;
    fs::remove(path, ignored);
  });
  std::vector<PlannedShard> shards;
  std::set<int> numbers;
  for (const auto& plan : plans) {
    for (const auto& shard : plan.shards) {
      const bool wanted = std::any_of(shard.clips.begin(), shard.clips.end(),
                                      [&](const auto& clip) { return missing.contains(clip); });
      if (!wanted || cache.has_shard(shard.number) || !all_known(shard, contents) ||
          !numbers.insert(shard.number).second) {
        continue;
      }
      for (const auto& clip : shard.clips) missing.erase(clip);
      shards.push_back(shard);
    }
  }
  if (missing.empty()) return shards;
  const Numbers next = free_numbers(cache.folder(), plans);
  const auto unplanned = measure(missing, contents, function, threads);
  const Plan plan{next.plan, cut_into_shards(unplanned, next.shard, limits)};
  write_plan(cache.folder(), plan);
  shards.insert(shards.end(), plan.shards.begin(), plan.shards.end());
  return shards;
}

}  // namespace serenade
