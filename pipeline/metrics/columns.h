#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace serenade {

/// Characters (code points) of UTF-8 text, which is what Python pads by.
std::size_t text_width(std::string_view text);
/// `text` with spaces before it up to `width` characters.
std::string right_aligned(std::string_view text, std::size_t width);
/// `text` with spaces behind it up to `width` characters.
std::string left_aligned(std::string_view text, std::size_t width);
/// The first `width` characters; a character is never cut in two.
std::string_view shortened(std::string_view text, std::size_t width);
/// `value` with `digits` decimals, rounded as Python and printf do: to nearest of the exact binary
/// value, ties to even. "nan" and "inf" where it is not finite.
std::string fixed(double value, int digits);

}  // namespace serenade
