#include "pipeline/corpus/find_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/name_parts.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& path) {
  return in_lower_case(path.extension().native());
}

class Search {
 public:
  /// Lists `folder` and what is below it. False when it cannot be listed.
  bool enter(const fs::path& folder, std::error_code& error) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 &&
        !folders_.insert({status.st_dev, status.st_ino}).second) {
      return true;
    }
    std::vector<fs::path> entries;
    fs::directory_iterator listing(folder, error);
    if (error) return false;
    for (; listing != fs::directory_iterator(); listing.increment(error)) {
      entries.push_back(listing->path());
    }
    if (error) return false;
    std::sort(entries.begin(), entries.end(),
              [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
    for (const auto& entry : entries) visit(entry);
    return true;
  }

  FoundFiles take() { return std::move(found_); }

 private:
  void visit(const fs::path& entry) {
    const std::string name = entry.filename().string();
    if (name.empty() || name.front() == '.') return;
    struct stat status {};
    if (::stat(entry.c_str(), &status) != 0) {  // a link to nothing, for one
      if (is_sound_name(entry)) found_.sounds.push_back(entry);
      return;
    }
    if (!S_ISREG(status.st_mode) && is_sound_name(entry)) found_.odd.push_back(entry);
    if (S_ISDIR(status.st_mode)) {
      std::error_code error;
      if (!enter(entry, error)) found_.closed_folders.push_back(entry);
    } else if (S_ISREG(status.st_mode)) {
      if (!files_.insert({status.st_dev, status.st_ino, name}).second) return;
      if (is_sound_name(entry)) {
        found_.sounds.push_back(entry);
      } else if (lower_extension(entry) == ".mp4") {
        found_.videos.push_back(entry);
      } else {
        ++found_.others;
      }
    }
  }

  FoundFiles found_;
  std::set<std::pair<dev_t, ino_t>> folders_;
  std::set<std::tuple<dev_t, ino_t, std::string>> files_;
};

}  // namespace

bool is_sound_name(const fs::path& path) {
  constexpr auto extensions =
      std::to_array<std::string_view>({".wav", ".wave", ".flac", ".ogg", ".mp3", ".aiff", ".aif"});
  return std::find(extensions.begin(), extensions.end(), lower_extension(path)) != extensions.end();
}

FoundFiles find_files(const fs::path& folder) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (!fs::exists(status)) {
    throw IoError(fmt::format("{}: no such folder", folder.string()));
  }
  if (!fs::is_directory(status)) {
    throw IoError(fmt::format("{}: is not a folder", folder.string()));
  }
  Search search;
  if (!search.enter(folder, error)) {
    throw IoError(fmt::format("{}: cannot be listed: {}", folder.string(), error.message()));
  }
  FoundFiles found = search.take();
  const auto by_bytes = [](const fs::path& a, const fs::path& b) {
    return a.native() < b.native();
  };
  std::sort(found.sounds.begin(), found.sounds.end(), by_bytes);
  std::sort(found.videos.begin(), found.videos.end(), by_bytes);
  std::sort(found.odd.begin(), found.odd.end(), by_bytes);
  return found;
}

}  // namespace serenade
