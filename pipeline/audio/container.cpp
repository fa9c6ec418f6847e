#include "pipeline/audio/container.h"

#include <array>
#include <span>

#include "pipeline/audio/chunk_file.h"

namespace serenade {
namespace {

// Sizes that programs leave behind when they cannot return to the header: all ones (ffmpeg) and
// 2^31 less a page (sox).
bool is_placeholder(std::uint64_t size) { return size == 0xFFFFFFFFU || size == 0x7FFFF000U; }

}  // namespace

std::optional<StatedLength> stated_length(const std::filesystem::path& path) {
  ChunkFile chunks(path);
  std::array<unsigned char, 12> head{};
  if (!chunks.read(0, head)) return std::nullopt;
  const std::span<const unsigned char> top(head);
  const auto form = chunk_text(top.first(4));
  const auto kind = chunk_text(top.subspan(8, 4));
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
    const auto name = chunk_text(std::span(chunk).first(4));
    std::uint64_t size = chunk_number(std::span(chunk).subspan(4, 4), big_endian);
    at += chunk.size();
    if (name == "ds64") {
      std::array<unsigned char, 16> sizes{};
      if (!chunks.read(at, sizes)) return std::nullopt;
      long_size = chunk_number(std::span(sizes).subspan(8, 8), big_endian);
    } else if (name == "fmt ") {
      std::array<unsigned char, 16> format{};
      if (!chunks.read(at, format)) return std::nullopt;
      frame_bytes = chunk_number(std::span(format).subspan(12, 2), big_endian);
    } else if (name == "COMM") {
      std::array<unsigned char, 8> common{};
      if (!chunks.read(at, common)) return std::nullopt;
      const auto bits = chunk_number(std::span(common).subspan(6, 2), big_endian);
      frame_bytes = chunk_number(std::span(common).first(2), big_endian) * ((bits + 7) / 8);
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
      return StatedLength{size, chunks.size() > at ? chunks.size() - at : 0, frame_bytes};
    }
    at += size + size % 2;
  }
  return std::nullopt;
}

}  // namespace serenade
