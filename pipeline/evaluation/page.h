#pragma once

#include <string>
#include <string_view>

namespace serenade {

/// A self-contained page in the report's style, light or dark as the reader's screen is: nothing
/// runs and nothing is fetched. `title` is text; `body` is HTML, the contents of <main>.
std::string page_html(std::string_view title, std::string_view body);

/// The page's heading. Text, but for `meta`, which is HTML.
std::string page_heading(std::string_view title, std::string_view meta);

}  // namespace serenade
