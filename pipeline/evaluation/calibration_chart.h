#pragma once

#include <string>

#include "pipeline/metrics/calibration.h"

namespace serenade {

/// Reliability diagram as inline SVG that scales with its container: a bar a bin that has clips, as
/// high as its accuracy, under the number of its clips; a tick at the mean confidence that it
/// should reach; the diagonal dashed.
std::string calibration_chart_svg(const Calibration& calibration);

}  // namespace serenade
