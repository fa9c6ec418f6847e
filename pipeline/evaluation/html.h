#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// Text as it may stand in HTML or SVG, between tags or in a quoted attribute: & < > " ' become
/// entities; control characters and bytes that are not UTF-8 become U+FFFD.
std::string escaped(std::string_view text);

}  // namespace serenade
