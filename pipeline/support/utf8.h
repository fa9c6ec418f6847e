#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// The text from its first byte on that is not UTF-8 as RFC 3629 defines it (no surrogates, no
/// longer forms than needed, nothing beyond U+10FFFF); empty where all of it is.
std::string_view from_first_bad_byte(std::string_view text);

inline bool is_utf8(std::string_view text) { return from_first_bad_byte(text).empty(); }

/// The text with every byte that is not UTF-8 written as \xff, so that the result is. Valid text is
/// returned as it is.
std::string as_utf8(std::string_view text);

}  // namespace serenade
