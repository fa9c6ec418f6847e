#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/support/content_hash.h"

namespace serenade {

/// Hashes of files, remembered by path, size, time of modification, time of change and inode, so
/// that files which nobody touched need not be read again. Time of change (ctime) cannot be set by
/// programs: a file that was written and given its old size and date has another one.
///
/// A file that changed less than two seconds before it was read is not remembered: it could be
/// changed once more within the same tick of the file system's clock, and nothing would show.
///
/// Any number of threads may use one memo. Its file may be shared by processes: what one saves, the
/// others keep.
class FileMemo {
 public:
  /// `file` is where hashes are kept between programs; where it is absent, damaged, of another
  /// version, or larger than max_entries make it, nothing is known. With `hash_again` what it knows
  /// is not believed, and replaced.
  explicit FileMemo(std::filesystem::path file, bool hash_again = false,
                    std::chrono::nanoseconds settled = std::chrono::seconds(2));

  /// hash_file(path) or what it was when the file was in the same state. Throws IoError naming the
  /// file where it cannot be read.
  ContentHash content(const std::filesystem::path& path);

  /// The same for another hash than that of the bytes: `kind` names it, `compute` computes it.
  ContentHash remembered(const std::filesystem::path& path, std::string_view kind,
                         const std::function<ContentHash()>& compute);

  /// Writes what was learned, if anything, into the file, making its folder. At most max_entries
  /// are kept, those used last before others. Throws IoError.
  void save();

  /// 64 MiB.
  static constexpr std::size_t max_entries = std::size_t{1} << 20U;

 private:
  /// A state of a file and the hash it had; what the memo's file is made of.
  struct Entry {
    ContentHash key;  ///< of the absolute path and the kind
    std::uint64_t size;
    std::int64_t modified, changed;  ///< nanoseconds since 1970
    std::uint64_t inode;
    ContentHash hash;
  };
  static std::vector<Entry> read(const std::filesystem::path& file);
  static bool state_of(const std::filesystem::path& path, Entry& state);
  static bool same_state(const Entry& a, const Entry& b);
  ContentHash key_of(const std::filesystem::path& path, std::string_view kind) const;

  std::filesystem::path file_;
  std::string working_folder_;
  bool hash_again_;
  std::chrono::nanoseconds settled_;
  std::vector<Entry> known_;  // by key, ascending

  std::mutex mutex_;
  std::vector<bool> used_;                // of known_
  std::map<ContentHash, Entry> learned_;  // by key
};

}  // namespace serenade
