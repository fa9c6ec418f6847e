#include "pipeline/support/file_memo.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"
#include "pipeline/support/lock_file.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// First in the file: what it is and how it is laid out, and what guards the entries behind it.
struct Header {
  char magic[16];
  std::uint64_t entries;
  ContentHash hash;  ///< of the entries' bytes
};
constexpr char magic[16] = "serenade memo 1";

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

/// The working folder with a slash behind it.
std::string working_folder() {
  std::error_code failure;
  const fs::path folder = fs::current_path(failure);
  if (failure) {
    throw IoError(
        fmt::format("the working folder cannot be found: {}; was it deleted? Go to another with cd",
                    failure.message()));
  }
  return folder.native() + '/';
}

}  // namespace

std::vector<FileMemo::Entry> FileMemo::read(const fs::path& file) {
  static_assert(std::is_trivially_copyable_v<Entry> && sizeof(Entry) == 64);
  std::string text;
  std::error_code unknown;
  // A pipe would be waited for.
  if (!fs::is_regular_file(file, unknown)) return {};
  try {
    text = read_file(file, sizeof(Header) + max_entries * sizeof(Entry));
  } catch (const IoError&) {
    return {};
  }
  Header header{};
  if (text.size() < sizeof header) return {};
  std::memcpy(&header, text.data(), sizeof header);
  const std::string_view body = std::string_view(text).substr(sizeof header);
  if (std::memcmp(header.magic, magic, sizeof magic) != 0 ||
      header.entries != body.size() / sizeof(Entry) || body.size() % sizeof(Entry) != 0 ||
      hash_text(body) != header.hash) {
    return {};
  }
  std::vector<Entry> entries(header.entries);
  std::memcpy(entries.data(), body.data(), body.size());
  return entries;
}

bool FileMemo::state_of(const fs::path& path, Entry& state) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  state.size = static_cast<std::uint64_t>(status.st_size);
  state.modified = nanoseconds(status.st_mtim);
  state.changed = nanoseconds(status.st_ctim);
  state.inode = status.st_ino;
  return true;
}

bool FileMemo::same_state(const Entry& a, const Entry& b) {
  return a.key == b.key && a.size == b.size && a.modified == b.modified && a.changed == b.changed &&
         a.inode == b.inode;
}

FileMemo::FileMemo(fs::path file, bool hash_again, std::chrono::nanoseconds settled)
    : file_(std::move(file)),
      working_folder_(working_folder()),
      hash_again_(hash_again),
      settled_(settled),
      known_(read(file_)),
      used_(known_.size()) {}

ContentHash FileMemo::key_of(const fs::path& path, std::string_view kind) const {
  std::string text(kind);
  text += '\0';
  if (!path.is_absolute()) text += working_folder_;
  return hash_text(text + path.native());
}

ContentHash FileMemo::content(const fs::path& path) {
  return remembered(path, "content", [&] { return hash_file(path); });
}

ContentHash FileMemo::remembered(const fs::path& path, std::string_view kind,
                                 const std::function<ContentHash()>& compute) {
  Entry before{};
  before.key = key_of(path, kind);
  const std::int64_t begin = now();
  const bool is_file = state_of(path, before);
  if (is_file && !hash_again_) {
    const auto at =
        std::lower_bound(known_.begin(), known_.end(), before.key,
                         [](const Entry& entry, ContentHash key) { return entry.key < key; });
    if (at != known_.end() && same_state(*at, before)) {
      const std::lock_guard lock(mutex_);
      used_[static_cast<std::size_t>(at - known_.begin())] = true;
      return at->hash;
    }
  }
  before.hash = compute();
  Entry after{};
  after.key = before.key;
  const bool settled = std::max(before.modified, before.changed) <= begin - settled_.count();
  if (is_file && settled && state_of(path, after) && same_state(before, after)) {
    const std::lock_guard lock(mutex_);
    learned_[before.key] = before;
  }
  return before.hash;
}

void FileMemo::save() {
  const std::lock_guard lock(mutex_);
  if (learned_.empty()) return;
  const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
  make_folders(folder);
  const LockFile locks(folder / "lock");
  const auto alone = locks.wait(0);
  remove_leftovers(file_);

  // What this program used comes first, then what others have saved by now, while there is room.
  std::map<ContentHash, Entry> entries = learned_;
  const auto add = [&](const Entry& entry) {
    if (entries.size() < max_entries) entries.try_emplace(entry.key, entry);
  };
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (used_[i]) add(known_[i]);
  }
  for (const Entry& entry : read(file_)) add(entry);

  std::string text(sizeof(Header), '\0');
  text.reserve(sizeof(Header) + entries.size() * sizeof(Entry));
  for (const auto& [key, entry] : entries) {
    text.append(reinterpret_cast<const char*>(&entry), sizeof entry);
  }
  Header header{};
  std::memcpy(header.magic, magic, sizeof magic);
  header.entries = entries.size();
  header.hash = hash_text(std::string_view(text).substr(sizeof header));
  std::memcpy(text.data(), &header, sizeof header);
  write_file_atomically(file_, text);
  learned_.clear();
}

}  // namespace serenade
