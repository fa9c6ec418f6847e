#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace serenade {

/// The number that the whole text writes, as std::from_chars reads it: no blanks, no '+', a decimal
/// point in any locale. Nothing for any other text and for a number that does not fit the type.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace serenade
