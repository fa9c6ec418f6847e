#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/tensor.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/file_memo.h"
#include "pipeline/support/files.h"

namespace serenade {

/// A clip's features on their way into a shard, or the error that kept it out.
struct ClipRows {
  ContentHash content;
  Array<float> rows;  ///< [frames, dims]; [0, dims] with an error
  Index samples = 0;  ///< of the signal the features were computed from
  int sample_rate = 0;
  std::string error;  ///< without the file's name, which is no property of its content
};

/// A clip as a shard lists it.
struct ShardClip {
  ContentHash content;
  Index frame_offset = 0;
  Index frames = 0;
  Index samples = 0;
  int sample_rate = 0;
  std::uint64_t rows_hash = 0;  ///< XXH3-64 of its rows' bytes
  std::string error;            ///< empty where the clip has rows
};

/// What is the same for all shards of a cache folder.
struct ShardFormat {
  std::vector<std::string> columns;  ///< one name a column of `features`
  std::string options;               ///< what the features depend on
  Index dims() const { return static_cast<Index>(columns.size()); }
};

/// "shard-00003.h5" and "shard-00003.xxh3".
std::string shard_name(int number);
std::string shard_hash_name(int number);
/// The number in "shard-00003.h5"; nothing for other names.
std::optional<int> shard_number(const std::string& file_name);

/// Longest error text kept of a clip, bytes.
inline constexpr std::size_t max_error_length = 500;

/// Writes shard `number` into `folder`:
///   features [frames, dims] float32, one contiguous dataset, the clips end to end in this order
///   clips    [clips] compound: content_high, content_low, frame_offset, frames, samples,
///            sample_rate, rows_xxh3, error
///   columns  [dims] names, options: text (datasets, as attributes end at 64 KiB)
/// and, before it, the side file with the XXH3-64 of all its bytes. The bytes are a function of the
/// arguments. The file is built in memory and then written, synced and renamed, so that a full disk
/// is an ordinary error; needs twice the size of the rows. Returns the size of the file in bytes.
/// Throws IoError.
std::size_t write_shard(const std::filesystem::path& folder, int number, const ShardFormat& format,
                        std::span<const ClipRows> clips);

/// A finished shard, mapped.
class Shard {
 public:
  /// Maps the file, compares its bytes with the side file, and only then has HDF5 read it. With a
  /// memo, bytes that did fit are not read again while nobody touches the file. A shard of other
  /// options, from another folder, counts as damaged.
  /// Throws DataError saying what is wrong with the shard, IoError where the system refuses to show
  /// it, which says nothing about what it holds.
  Shard(const std::filesystem::path& folder, int number, const ShardFormat& format,
        FileMemo* memo = nullptr);

  int number() const { return number_; }
  const std::filesystem::path& path() const { return path_; }
  std::span<const ShardClip> clips() const { return clips_; }
  /// Rows of all clips.
  Index frames() const { return frames_; }

  /// Rows of clip i, [frames, dims], in the mapped file. The first call for a clip compares them
  /// with their hash and throws DataError when they were damaged, or the file was truncated, since
  /// the shard was opened. A mapped file that somebody truncates after that ends the process
  /// (SIGBUS); the program itself never does: it writes shards under other names and renames them.
  /// Any number of threads may call it.
  Tensor<const float> rows(std::size_t clip) const;

 private:
  int number_;
  Index dims_;
  std::filesystem::path path_;
  MappedFile file_;
  const float* features_ = nullptr;
  Index frames_ = 0;
  std::vector<ShardClip> clips_;
  std::unique_ptr<std::atomic<bool>[]> verified_;
};

}  // namespace serenade
