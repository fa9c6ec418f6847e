#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/features/feature_function.h"
#include "pipeline/features/shard.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Features of a clip as the cache has them.
struct CachedClip {
  Tensor<const float> rows;  ///< [frames, dims], in a mapped file: valid as long as the cache
  Index samples = 0;         ///< of the signal, at sample_rate
  int sample_rate = 0;
  std::string_view error;  ///< why the clip has no rows; empty where it has
};

/// A file of the cache that cannot be trusted; what it held is missing.
struct DamagedFile {
  std::filesystem::path path;
  std::string reason;
  friend bool operator==(const DamagedFile&, const DamagedFile&) = default;
};

/// All that decides about the bits of features: options, revisions of operations, libraries that
/// decode and resample.
std::string cache_key_text(const FeatureFunction& function);

/// Of the file in a cache folder that spells out what its features depend on.
inline constexpr std::string_view key_name = "key.txt";

/// Features on disk, by the content of the recordings they were computed from. Below the cache's
/// folder, every set of options and versions has a folder of its own, named by the hash of a text
/// that key.txt there spells out.
class FeatureCache {
 public:
  /// Opens and verifies the finished shards that are there; makes no files. Damaged ones are left
  /// out with a warning. What `memo` knows to fit its hash is not read for it.
  /// Throws IoError where the system does not let a shard be opened: that may pass, and the shard
  /// may be good; DataError where key.txt is that of other options: the folder was renamed.
  FeatureCache(const std::filesystem::path& cache_folder, const FeatureFunction& function,
               Observer& observer, FileMemo* memo = nullptr);

  /// CACHE/<key>
  const std::filesystem::path& folder() const { return folder_; }
  const std::string& key_text() const { return key_text_; }
  const ShardFormat& format() const { return format_; }

  bool contains(ContentHash clip) const { return places_.contains(clip); }
  /// Nothing when the clip is not in the cache. A clip's first use compares its bytes with their
  /// hash; throws DataError naming the file when they do not fit. Any number of threads may call
  /// it while nobody adds shards.
  std::optional<CachedClip> find(ContentHash clip) const;

  /// Why a clip that the cache knows has no features; empty where it has, or is not known.
  std::string error_of(ContentHash clip) const;

  /// The open shards, by number.
  const std::map<int, std::unique_ptr<Shard>>& shards() const { return shards_; }
  /// Whether a shard of this number is open.
  bool has_shard(int number) const { return shards_.contains(number); }
  std::span<const DamagedFile> damaged() const { return damaged_; }
  /// Whether there are unfinished files, of a process that writes or of one that was killed.
  bool has_unfinished() const { return has_unfinished_; }
  /// Opens a shard that was written since. Throws DataError or IoError where it is damaged.
  void add_shard(int number, FileMemo* memo = nullptr);
  /// Opens all shards that were written since, as the constructor does.
  void refresh(Observer& observer, FileMemo* memo = nullptr);

 private:
  struct Place {
    const Shard* shard;
    std::size_t clip;
  };
  void expect_own_key() const;

  std::filesystem::path folder_;
  std::string key_text_;
  ShardFormat format_;
  std::map<int, std::unique_ptr<Shard>> shards_;
  std::map<ContentHash, Place> places_;
  std::vector<DamagedFile> damaged_;
  bool has_unfinished_ = false;
};

}  // namespace serenade
