#include "pipeline/support/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace serenade {
namespace {

/// Bytes of the character that the text begins with; 0 where it is none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;  // c0, c1: longer than needed
  std::size_t size = 2;
  if (first >= 0xe0) size = first < 0xf0 ? 3 : 4;
  if (text.size() < size) return 0;
  // The second byte alone tells the longer forms, surrogates and what is beyond U+10FFFF.
  unsigned low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  return size;
}

}  // namespace

std::string_view from_first_bad_byte(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_bytes(text);
    if (size == 0) break;
    text.remove_prefix(size);
  }
  return text;
}

std::string as_utf8(std::string_view text) {
  std::string valid;
  for (;;) {
    const std::string_view rest = from_first_bad_byte(text);
    valid += text.substr(0, text.size() - rest.size());
    if (rest.empty()) return valid;
    valid += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest.front()));
    text = rest.substr(1);
  }
}

}  // namespace serenade
