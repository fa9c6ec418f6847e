#pragma once

#include "pipeline/audio/signals.h"
#include "pipeline/features/spec.h"

namespace serenade {

/// What features are computed from: recordings' mono signals at spec.sample_rate without the
/// silence at their ends (spec.trim) and at a common level (spec.normalise), in this order. The
/// same signals where neither is set. On the context's device; trimming waits for it, as the
/// signals' lengths follow from what they hold.
Signals condition(Context& context, const FeatureSpec& spec, Signals signals);

}  // namespace serenade
