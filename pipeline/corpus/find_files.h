#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace serenade {

/// What lies below a folder.
struct FoundFiles {
  std::vector<std::filesystem::path> sounds;  ///< .wav .wave .flac .ogg .mp3 .aiff .aif, any case
  std::vector<std::filesystem::path> videos;  ///< .mp4
  std::size_t others = 0;
  /// Named as sounds are, but pipes, devices, sockets or folders (what lies in the folders is
  /// found).
  std::vector<std::filesystem::path> odd;
  std::vector<std::filesystem::path> closed_folders;  ///< that could not be listed
};

/// Everything below `folder`, in the order of the paths' bytes. Hidden files and folders (".name",
/// macOS's "._name" among them) are passed over. Symbolic links are followed; each folder is
/// entered once and a file met twice under the same name counts once, so that links in circles end.
/// Throws IoError, naming it, when `folder` is missing, no folder or cannot be listed.
FoundFiles find_files(const std::filesystem::path& folder);

/// Is this one of the extensions of `sounds`?
bool is_sound_name(const std::filesystem::path& path);

}  // namespace serenade
