#pragma once

#include <string_view>

namespace serenade {

/// The style sheet of report.html: light, dark by prefers-color-scheme, and paper.
std::string_view report_style();

}  // namespace serenade
