#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

namespace serenade::fuzz {

/// A folder in memory (/dev/shm), gone with the process.
class TemporaryMemoryFolder {
 public:
  TemporaryMemoryFolder() {
    std::string name = "/dev/shm/serenade-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryMemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryMemoryFolder(const TemporaryMemoryFolder&) = delete;
  TemporaryMemoryFolder& operator=(const TemporaryMemoryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, std::span<const char> bytes) const {
    std::ofstream file(path_ / name, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file) std::abort();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace serenade::fuzz
