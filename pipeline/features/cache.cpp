#include "pipeline/features/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

/// Raised when the layout of the cache's files changes.
constexpr int cache_format = 1;

constexpr std::string_view key_begin = "cache format: ";

}  // namespace

std::string cache_key_text(const FeatureFunction& function) {
  const DecodeOptions& decode = function.decode;
  return fmt::format("{}{}\ndevice: {}\naudio: {}\nsample_rate: {}\ndecode: {}\nfeatures: {}\n",
                     key_begin, cache_format, to_string(Device::cpu), audio_versions(),
                     function.sample_rate, canonical_text(decode), function.text);
}

FeatureCache::FeatureCache(const std::filesystem::path& cache_folder,
                           const FeatureFunction& function, Observer& observer, FileMemo* memo)
    : key_text_(cache_key_text(function)), format_{function.columns, key_text_} {
  folder_ = cache_folder / to_string(hash_text(key_text_));
  expect_own_key();
  refresh(observer, memo);
}

void FeatureCache::expect_own_key() const {
  const auto path = folder_ / key_name;
  std::string found;
  try {
    constexpr std::size_t most = std::size_t{1} << 20U;
    found = read_file(path, most);
  } catch (const IoError&) {
    return;  // absent, or damaged: written again with the next shard
  }
  if (found == key_text_ || !found.starts_with(key_begin)) return;
  throw DataError(fmt::format(
      "{}: is the key of other options than the folder's name stands for, so the folder was "
      "renamed "
      "or copied; its own name is {}: rename it back, or delete it to have its features extracted",
      path.string(), to_string(hash_text(found))));
}

void FeatureCache::refresh(Observer& observer, FileMemo* memo) {
  std::error_code error;
  std::vector<int> numbers;
  has_unfinished_ = false;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (const auto number = shard_number(name)) numbers.push_back(*number);
    has_unfinished_ = has_unfinished_ || !unfinished_name(name).empty();
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw IoError(fmt::format("{}: {}", folder_.string(), error.message()));
  }
  std::sort(numbers.begin(), numbers.end());
  const auto known = std::exchange(damaged_, {});
  for (const int number : numbers) {
    try {
      add_shard(number, memo);
    } catch (const IoError& refusal) {
      // Another process removes what is damaged, and writes it anew.
      std::error_code unknown;
      if (!std::filesystem::exists(folder_ / shard_name(number), unknown) && !unknown) continue;
      throw IoError(
          fmt::format("{}; if that does not pass, delete {}: its clips are then extracted again",
                      refusal.what(), shard_name(number)));
    } catch (const Error& damage) {
      const DamagedFile file{folder_ / shard_name(number), damage.what()};
      if (std::find(known.begin(), known.end(), file) == known.end()) {
        observer.warn(fmt::format("{}; its clips will be extracted again", damage.what()));
      }
      damaged_.push_back(file);
    }
  }
}

void FeatureCache::add_shard(int number, FileMemo* memo) {
  if (has_shard(number)) return;
  auto shard = std::make_unique<Shard>(folder_, number, format_, memo);
  for (std::size_t i = 0; i < shard->clips().size(); ++i) {
    places_.try_emplace(shard->clips()[i].content, Place{shard.get(), i});
  }
  shards_[number] = std::move(shard);
}

std::optional<CachedClip> FeatureCache::find(ContentHash clip) const {
  const auto found = places_.find(clip);
  if (found == places_.end()) return std::nullopt;
  const auto& [shard, i] = found->second;
  const ShardClip& listed = shard->clips()[i];
  return CachedClip{shard->rows(i), listed.samples, listed.sample_rate, listed.error};
}

std::string FeatureCache::error_of(ContentHash clip) const {
  const auto found = places_.find(clip);
  return found == places_.end() ? "" : found->second.shard->clips()[found->second.clip].error;
}

}  // namespace serenade
