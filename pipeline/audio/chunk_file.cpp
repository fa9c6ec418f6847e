#include "pipeline/audio/chunk_file.h"

namespace serenade {

ChunkFile::ChunkFile(const std::filesystem::path& path) : file_(path, std::ios::binary) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (!failed) size_ = size;
}

bool ChunkFile::read(std::uint64_t at, std::span<unsigned char> bytes) {
  if (at > size_ || bytes.size() > size_ - at) return false;
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(at));
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return file_.good();
}

std::uint64_t chunk_number(std::span<const unsigned char> bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8U | bytes[big_endian ? i : bytes.size() - 1 - i];
  }
  return value;
}

}  // namespace serenade
