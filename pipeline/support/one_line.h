#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// A name from outside for a line of a table or a message: control characters (those of ASCII and,
/// in UTF-8, U+0080 to U+009F), which could break the line or drive the terminal, are shown as \n
/// or \x1b.
std::string one_line(std::string_view text);

}  // namespace serenade
