#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

namespace serenade {

/// A file of chunks (name, 32-bit size, bytes), read at any place.
class ChunkFile {
 public:
  explicit ChunkFile(const std::filesystem::path& path);

  /// False where the file has no such bytes.
  bool read(std::uint64_t at, std::span<unsigned char> bytes);
  /// Bytes of the file; 0 where that cannot be told.
  std::uint64_t size() const { return size_; }

 private:
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

/// An unsigned number of some bytes.
std::uint64_t chunk_number(std::span<const unsigned char> bytes, bool big_endian);

inline std::string_view chunk_text(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace serenade
