// Vector code of tuning.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// The lanes of a mask as bits, the first lane lowest.
std::uint16_t bits_of(hn::Mask<Floats> mask) {
  std::array<std::uint8_t, 8> bytes{};
  hn::StoreMaskBits(Floats(), mask, bytes.data());
  return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
}

/// maximum [lanes] of tile [bins, lanes], not negative
void largest_of_lanes(const float* tile, Index bins, float* maximum) {
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    Vec largest = hn::Zero(d);
    for (Index bin = 0; bin < bins; ++bin) {
      largest = hn::Max(largest, hn::Load(d, tile + bin * lanes + lane));
    }
    hn::Store(largest, d, maximum + lane);
  }
}

/// Bit i of marks[bin], for bin in [first, last): power [bins, lanes] of lane i has a peak there,
/// higher than the bin below, at least as high as the one above, and above a tenth of the lane's
/// maximum; where a neighbour is not above that, it counts as 0.
void mark_peaks(const float* tile, const float* maximum, Index first, Index last,
                std::uint16_t* marks) {
  const Floats d;
  std::fill(marks + first, marks + last, std::uint16_t{0});
  for (Index lane = 0; lane < lanes; lane += width) {
    const float* power = tile + lane;
    const Vec threshold = hn::Mul(hn::Set(d, 0.1F), hn::Load(d, maximum + lane));
    const auto above_threshold = [&](Index bin) HWY_ATTR {
      const Vec p = hn::Load(d, power + bin * lanes);
      return hn::IfThenElseZero(hn::Gt(p, threshold), p);
    };
    Vec below = above_threshold(first - 1);
    Vec at = above_threshold(first);
    for (Index bin = first; bin < last; ++bin) {
      const Vec above = above_threshold(bin + 1);
      const auto is_peak = hn::And(hn::Gt(at, below), hn::Ge(at, above));
      below = at;
      at = above;
      if (hn::AllFalse(d, is_peak)) continue;
      marks[bin] = static_cast<std::uint16_t>(marks[bin] | bits_of(is_peak) << lane);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
