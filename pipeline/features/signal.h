#pragma once

#include <vector>

#include "pipeline/features/spec.h"

namespace serenade {

/// What features are computed from: a recording's mono signal at spec.sample_rate without the
/// silence at its ends (spec.trim) and at a common level (spec.normalise), in this order. The same
/// signal where neither is set.
std::vector<float> condition_signal(const FeatureSpec& spec, std::vector<float> signal);

}  // namespace serenade
