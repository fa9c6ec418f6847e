#include "pipeline/audio/endless_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "pipeline/audio/chunk_file.h"

namespace serenade {
namespace {

using Reason = std::optional<std::string>;

/// ID3v2 tags may stand before any format; libsndfile passes over them.
std::uint64_t behind_id3(ChunkFile& file) {
  std::uint64_t at = 0;
  std::array<unsigned char, 10> tag{};
  while (file.read(at, tag) && chunk_text(std::span(tag).first(3)) == "ID3") {
    std::uint64_t size = 0;
    for (std::size_t i = 6; i < 10; ++i) size = size << 7U | (tag[i] & 0x7FU);
    at += tag.size() + size;
  }
  return at;
}

/// libsndfile's reader of RIFF, RIFX or RF64, reduced to where it goes.
class RiffWalk {
 public:
  RiffWalk(ChunkFile& file, std::uint64_t begin, std::string_view form)
      : file_(file), begin_(begin), big_endian_(form == "RIFX"), rf64_(form == "RF64") {}

  Reason run() {
    constexpr int max_chunks = 1'000'000;  // a crafted file must not keep us busy
    std::uint64_t at = begin_ + 12;
    for (int i = 0; i < max_chunks; ++i) {
      std::array<unsigned char, 8> chunk{};
      if (!file_.read(at, chunk)) {
        // Behind an ID3 tag libsndfile takes the file's end for a little farther on.
        const bool cut = begin_ > 0 && at + 4 <= file_.size();
        return cut ? Reason("ends within the head of a chunk") : std::nullopt;
      }
      const std::span<const unsigned char> head(chunk);
      const auto next = behind(at, chunk_text(head.first(4)), number(head.last(4)));
      if (reason_ || !next) return reason_;
      at = *next;
    }
    return fmt::format("has more than {} chunks, so it is damaged", max_chunks);
  }

 private:
  std::uint64_t number(std::span<const unsigned char> bytes) const {
    return chunk_number(bytes, big_endian_);
  }
  std::uint64_t number_at(std::uint64_t at, std::size_t bytes) {
    std::array<unsigned char, 8> word{};
    const auto part = std::span(word).first(bytes);
    return file_.read(at, part) ? number(part) : 0;
  }

  /// Where the chunk after that at `at` begins; nothing where the reader ends.
  std::optional<std::uint64_t> behind(std::uint64_t at, std::string_view name, std::uint64_t size) {
    const std::uint64_t body = at + 8;
    const std::uint64_t odd = rf64_ ? 0 : size % 2;  // its reader knows no pad bytes
    if (name == std::string_view("\0\0\0\0", 4)) return std::nullopt;
    if (name == "data") return behind_sound(body, size);
    std::uint64_t next = body + size;
    if (name == "LIST" || name == "INFO") {
      next = behind_list(body, size);
    } else if (name == "ds64" && rf64_) {
      next = behind_sizes(body, size);
    } else if (name == "fmt " && !rf64_) {
      if (has_format_) next = body;  // a second one is read as if it were chunks
      has_format_ = true;
    } else if (name == "fact" && !rf64_) {
      next = body + std::max<std::uint64_t>(size, 4);
    } else if (!std::all_of(name.begin(), name.end(),
                            [](unsigned char c) { return c >= ' ' && c <= '~'; })) {
      if ((body - begin_) % 4 == 0) return std::nullopt;
      next = body - 3;  // looks for a name at every place where one may begin
    }
    if (size >= file_.size()) return std::nullopt;
    return next + odd;
  }

  std::optional<std::uint64_t> behind_sound(std::uint64_t body, std::uint64_t size) {
    const std::uint64_t rest = file_.size() - body;
    if (rf64_) {
      if (long_size_) size = *long_size_;
      if (size >> 63U != 0) {
        reason_ = "damaged: the size of its sound (chunk 'ds64') is negative";
        return std::nullopt;
      }
      if (size > rest) return std::nullopt;
      return body + size;
    }
    const std::uint64_t odd = size % 2;
    constexpr std::uint64_t smallest_header = 44;
    const bool unfinished = size == 0 && number_at(begin_ + 4, 4) == 8;
    if (unfinished && file_.size() > smallest_header) return std::nullopt;
    return body + std::min(size, rest) + odd;
  }

  /// Behind a chunk 'ds64', whose table of further sizes may have any length.
  std::uint64_t behind_sizes(std::uint64_t body, std::uint64_t size) {
    if (long_size_) return body;
    constexpr std::uint64_t fixed = 28;
    long_size_ = number_at(body + 8, 8);
    const std::uint64_t read = fixed + number_at(body + 24, 4);
    if (read > file_.size()) reason_ = "damaged: the table in its chunk 'ds64' is too long";
    if (read > size || size < read + 4) return body + read;
    std::array<unsigned char, 4> next{};
    const bool has_format = file_.read(body + read, next) && chunk_text(next) == "fmt ";
    return body + (has_format ? read : size);
  }

  /// Behind a list of items, each a name, a size and so many bytes. All sums are of 32 bits.
  std::uint64_t behind_list(std::uint64_t body, std::uint64_t size) {
    if (size <= 8) return body + size;
    const auto length = static_cast<std::uint32_t>(std::min(size, file_.size() - body));
    constexpr std::uint32_t most_label = 2048;  // longer ones, and those without one, end the list
    std::uint32_t done = 0;
    while (done < length) {
      std::array<unsigned char, 4> word{};
      if (!file_.read(body + done, word)) break;
      const auto name = chunk_text(word);
      done += 4;
      if (name == "adtl" || name == "INFO") continue;
      if (name == "data") return body + done - 4;
      if (name == std::string_view("\0\0\0\0", 4)) break;
      if (name == "exif") return behind_exif(body, done, length);
      auto item = static_cast<std::uint32_t>(number_at(body + done, 4));
      done += 4;
      if (name == "labl") {
        done += 4;
        item -= 4;
        if (item >= most_label) break;
      }
      item += item % 2;
      const std::uint32_t end = done + item;
      if (end > length) break;
      if (end < done) {
        refuse_item(body + done);
        return body;
      }
      done = end;
    }
    return body + std::max(done, length);
  }

  /// What is read between the items of a camera's list depends on much; any size in there that
  /// would lead back counts.
  std::uint64_t behind_exif(std::uint64_t body, std::uint32_t done, std::uint32_t length) {
    constexpr std::uint32_t most = 1U << 20U;
    std::vector<unsigned char> bytes(std::min(length - done, most));
    if (length - done > most || !file_.read(body + done, bytes)) {
      reason_ = "has more of a camera's notes (list 'exif') than any camera writes";
      return body;
    }
    for (std::size_t i = 0; i + 4 <= bytes.size(); ++i) {
      const auto item = static_cast<std::uint32_t>(number(std::span(bytes).subspan(i, 4)));
      if (item >= std::uint32_t{0} - length - 8) refuse_item(body + done + i + 4);
    }
    return body + length;
  }

  void refuse_item(std::uint64_t behind_size) {
    reason_ = fmt::format(
        "damaged: an item of the LIST around byte {} says that it is about 4 GiB "
        "long",
        behind_size);
  }

  ChunkFile& file_;
  std::uint64_t begin_;
  bool big_endian_, rf64_;
  bool has_format_ = false;
  std::optional<std::uint64_t> long_size_;  // of RF64's sound
  Reason reason_;
};

}  // namespace

std::optional<std::string> endless_header(const std::filesystem::path& path) {
  ChunkFile file(path);
  const std::uint64_t begin = behind_id3(file);
  std::array<unsigned char, 12> head{};
  if (!file.read(begin, head)) return std::nullopt;
  const std::span<const unsigned char> top(head);
  const auto form = chunk_text(top.first(4));
  const auto kind = chunk_text(top.subspan(8, 4));
  if (form == "riff") return "is a Wave64 file, which this program does not read";
  if (form == "FORM" && (kind == "8SVX" || kind == "16SV")) {
    return "is an 8SVX file, which this program does not read";
  }
  if ((form != "RIFF" && form != "RIFX" && form != "RF64") || kind != "WAVE") return std::nullopt;
  return RiffWalk(file, begin, form).run();
}

}  // namespace serenade
