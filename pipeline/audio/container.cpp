#include "pipeline/audio/container.h"

#include <array>
#include <fstream>
#include <span>
#include <string_view>

namespace serenade {
namespace {

/// A file of chunks (name, 32-bit size, bytes, padding to an even size) read front to back.
class Chunks {
 public:
  explicit Chunks(const std::filesystem::path& path) : file_(path, std::ios::binary) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    if (!failed) file_bytes_ = size;
  }

  bool read(std::uint64_t at, std::span<unsigned char> bytes) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(at));
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file_.good();
  }
  std::uint64_t file_bytes() const { return file_bytes_; }

 private:
  std::ifstream file_;
  std::uint64_t file_bytes_ = 0;
};

std::uint64_t number(std::span<const unsigned char> bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8U | bytes[big_endian ? i : bytes.size() - 1 - i];
  }
  return value;
}

std::string_view text(std::span<const unsigned char> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Sizes that programs leave behind when they cannot return to the header: all ones (ffmpeg) and
// 2^31 less a page (sox).
bool is_placeholder(std::uint64_t size) { return size == 0xFFFFFFFFU || size == 0x7FFFF000U; }

}  // namespace

std::optional<StatedLength> stated_length(const std::filesystem::path& path) {
  Chunks chunks(path);
  std::array<unsigned char, 12> head{};
  if (!chunks.read(0, head)) return std::nullopt;
  const std::span<const unsigned char> top(head);
  const auto form = text(top.first(4));
  const auto kind = text(top.subspan(8, 4));
  const bool aiff = form == "FORM" && (kind == "AIFF" || kind == "AIFC");
  const bool wav = (form == "RIFF" || form == "RIFX" || form == "RF64") && kind == "WAVE";
  if (!aiff && !wav) return std::nullopt;
  const bool big_endian = aiff || form == "RIFX";

  std::uint64_t frame_bytes = 1;
  std::optional<std::uint64_t> long_size;  // RF64 keeps the size of its data elsewhere
  std::uint64_t at = 12;
  constexpr int max_chunks = 10'000;  // a crafted file must not keep us busy
  for (int i = 0; i < max_chunks; ++i) {
    std::array<unsigned char, 8> chunk{};
    if (!chunks.read(at, chunk)) return std::nullopt;
    const auto name = text(std::span(chunk).first(4));
    std::uint64_t size = number(std::span(chunk).subspan(4, 4), big_endian);
    at += chunk.size();
    if (name == "ds64") {
      std::array<unsigned char, 16> sizes{};
      if (!chunks.read(at, sizes)) return std::nullopt;
      long_size = number(std::span(sizes).subspan(8, 8), big_endian);
    } else if (name == "fmt ") {
      std::array<unsigned char, 16> format{};
      if (!chunks.read(at, format)) return std::nullopt;
      frame_bytes = number(std::span(format).subspan(12, 2), big_endian);
    } else if (name == "COMM") {
      std::array<unsigned char, 8> common{};
      if (!chunks.read(at, common)) return std::nullopt;
      const auto bits = number(std::span(common).subspan(6, 2), big_endian);
      frame_bytes = number(std::span(common).first(2), big_endian) * ((bits + 7) / 8);
    } else if (name == (aiff ? "SSND" : "data")) {
      if (form == "RF64" && size == 0xFFFFFFFFU && long_size) {
        size = *long_size;
      } else if (is_placeholder(size)) {
        return std::nullopt;
      }
      constexpr std::uint64_t sound_header = 8;  // offset and block size precede AIFF's samples
      if (aiff) {
        if (size < sound_header) return std::nullopt;
        size -= sound_header;
        at += sound_header;
      }
      if (frame_bytes == 0) frame_bytes = 1;
      return StatedLength{size, chunks.file_bytes() > at ? chunks.file_bytes() - at : 0,
                          frame_bytes};
    }
    at += size + size % 2;
  }
  return std::nullopt;
}

}  // namespace serenade
