#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// A name from outside for a line of a table: control characters, which could break the line or
/// drive the terminal, are shown as \n or \x1b.
std::string one_line(std::string_view text);

}  // namespace serenade
