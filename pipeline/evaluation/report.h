#pragma once

#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// report.html: one self-contained page (inline style and SVG; no scripts, nothing fetched), in
/// light, dark and on paper. Every text of `data` is escaped. Well-formed as XML, too.
std::string report_html(const ReportData& data);

}  // namespace serenade
