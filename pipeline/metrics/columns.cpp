#include "pipeline/metrics/columns.h"

#include <array>
#include <charconv>

namespace serenade {
namespace {

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

std::string spaces_up_to(std::size_t width, std::string_view text) {
  const std::size_t have = text_width(text);
  return std::string(width > have ? width - have : 0, ' ');
}

}  // namespace

std::size_t text_width(std::string_view text) {
  std::size_t count = 0;
  for (const char byte : text) count += starts_character(byte) ? 1 : 0;
  return count;
}

std::string right_aligned(std::string_view text, std::size_t width) {
  return spaces_up_to(width, text).append(text);
}

std::string left_aligned(std::string_view text, std::size_t width) {
  return std::string(text) + spaces_up_to(width, text);
}

std::string_view shortened(std::string_view text, std::size_t width) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (starts_character(text[i]) && ++count > width) return text.substr(0, i);
  }
  return text;
}

std::string fixed(double value, int digits) {
  // 309 digits before the point are the most a double has.
  std::array<char, 384> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  return {text.data(), end.ptr};
}

}  // namespace serenade
