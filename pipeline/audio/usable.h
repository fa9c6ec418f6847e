#pragma once

#include <optional>
#include <span>
#include <string>

#include "kernels/device/tensor.h"

namespace serenade {

/// Largest magnitude of a sample that can be computed with: power is the square of a sum over a
/// frame and must stay a float, and a resampling filter adds up hundreds of samples. Full scale is
/// 1, so that no recording is anywhere near.
inline constexpr float loudest_sample = 1e12F;

/// The place of the first sample that cannot be computed with: NaN, infinite, or of a magnitude
/// above loudest_sample. Nothing where all can.
std::optional<Index> first_unusable(std::span<const float> samples);

/// What is wrong with such a sample: "not a number (NaN)", "infinite", "3e+38, too large for a
/// sample".
std::string unusable_text(float sample);

}  // namespace serenade
