#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// Puts `text` at `path` so that a reader sees the old file or the new one, whole, also after a
/// crash: written beside it, synced, renamed. Throws IoError naming the file and the reason.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// Throws IoError, naming it, where `path` is there and no regular file nor a link to one: a
/// folder, a device, or a pipe, whose opening would wait for a writer for ever. Whatever is opened
/// for reading goes through here first.
void expect_regular_file(const std::filesystem::path& path);

/// The whole file as text; IoError when it is no regular file, is longer than `max_bytes`
/// (untrusted input is measured before it is read) or cannot be read.
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// The name of the file that is written in the place of `name` and was not finished: "NAME.tmp-PID"
/// gives "NAME", other names give "".
std::string unfinished_name(const std::string& file_name);

/// Removes what killed processes left of writing `path`. Only for those who know that no living one
/// writes it. What cannot be removed stays.
void remove_leftovers(const std::filesystem::path& path);

/// What a folder holds, in the order of the names' bytes. Throws IoError naming it where it cannot
/// be listed.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

/// Makes a folder and those above it. Throws IoError naming it.
void make_folders(const std::filesystem::path& folder);

/// Syncs a file or a folder to the disk. Throws IoError.
void sync_to_disk(const std::filesystem::path& path);

/// A file mapped read-only for as long as this lives. Empty files map to an empty span.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  /// Whether somebody made the file shorter than it was, so that reading the lost bytes would end
  /// the process. False where the file was replaced or removed: what is mapped lives on.
  bool was_truncated() const;

 private:
  std::span<const std::byte> bytes_;
  std::filesystem::path path_;
  std::uint64_t device_ = 0, inode_ = 0;
};

}  // namespace serenade
