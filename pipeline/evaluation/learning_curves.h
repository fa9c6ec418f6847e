#pragma once

#include <span>
#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// The learning curves as HTML: loss beside accuracy and UAR for one fold, small multiples on
/// common scales for several. Names the epochs whose values are not finite. Empty without curves.
std::string learning_curves_html(std::span<const LearningCurve> curves);

}  // namespace serenade
