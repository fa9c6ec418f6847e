#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace serenade {

/// What parsers of file names are made of: total functions of text from outside, in ASCII.

/// The parts between separators; nothing unless there are exactly N.
template <std::size_t N>
std::optional<std::array<std::string_view, N>> parts_of(std::string_view text, char separator) {
  std::array<std::string_view, N> parts;
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const bool is_last = end == text.size();
    if (is_last != (i + 1 == N)) return std::nullopt;
    parts[i] = text.substr(0, end);
    if (!is_last) text.remove_prefix(end + 1);
  }
  return parts;
}

/// The number that these digits write; nothing where there are none, more than nine, or anything
/// else.
constexpr std::optional<int> number_of(std::string_view digits) {
  constexpr std::size_t most = 9;
  if (digits.empty() || digits.size() > most) return std::nullopt;
  int number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = 10 * number + (c - '0');
  }
  return number;
}

/// The place of a code in a table of codes.
template <std::size_t N>
std::optional<std::size_t> place_of(std::string_view code,
                                    const std::array<std::string_view, N>& codes) {
  const auto found = std::find(codes.begin(), codes.end(), code);
  if (found == codes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - codes.begin());
}

inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

inline std::string in_upper_case(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace serenade
