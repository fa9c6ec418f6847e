#pragma once

#include <optional>

#include "kernels/dsp/resample.h"

namespace serenade {

/// The table that resamples between two rates, measured when it is first asked for and kept for all
/// threads. Nothing where the rates are equal or no table can do it: libsoxr then has to.
/// Throws as ResampleBank::measure does.
std::optional<ResampleBank> shared_bank(int in_rate, int out_rate);

}  // namespace serenade
