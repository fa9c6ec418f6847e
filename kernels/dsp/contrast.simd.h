// Vector code of contrast.cpp; compiled once for each path (kernels/device/each_path.h).
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/contrast.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// Means of the `share` smallest and largest of bins [first, last), each lane for itself. Both are
/// kept sorted in `smallest` and `largest` [share, lanes] while the bins pass: exact, and the sums
/// run from the smallest number to the largest, as over a sorted column.
void valley_and_peak(const float* tile, const ContrastBands::Band& band, float* smallest,
                     float* largest, float* valley, float* peak) {
  const Floats d;
  const Index share = band.share;
  for (Index lane = 0; lane < lanes; lane += width) {
    float* low = smallest + lane;  // low[0] <= low[1] <= ...
    float* high = largest + lane;  // high[0] >= high[1] >= ...
    const Vec infinity = hn::Set(d, std::numeric_limits<float>::infinity());
    for (Index j = 0; j < share; ++j) {
      hn::Store(infinity, d, low + j * lanes);
      hn::Store(hn::Neg(infinity), d, high + j * lanes);
    }
    for (Index bin = band.first; bin < band.last; ++bin) {
      const Vec x = hn::Load(d, tile + bin * lanes + lane);
      const Vec last_low = hn::Load(d, low + (share - 1) * lanes);
      if (!hn::AllTrue(d, hn::Ge(x, last_low))) {
        Vec carried = x;
        for (Index j = 0; j < share; ++j) {
          const Vec held = hn::Load(d, low + j * lanes);
          hn::Store(hn::Min(held, carried), d, low + j * lanes);
          carried = hn::Max(held, carried);
        }
      }
      const Vec last_high = hn::Load(d, high + (share - 1) * lanes);
      if (!hn::AllTrue(d, hn::Le(x, last_high))) {
        Vec carried = x;
        for (Index j = 0; j < share; ++j) {
          const Vec held = hn::Load(d, high + j * lanes);
          hn::Store(hn::Max(held, carried), d, high + j * lanes);
          carried = hn::Min(held, carried);
        }
      }
    }
    Vec low_sum = hn::Zero(d);
    Vec high_sum = hn::Zero(d);
    for (Index j = 0; j < share; ++j) {
      low_sum = hn::Add(low_sum, hn::Load(d, low + j * lanes));
      high_sum = hn::Add(high_sum, hn::Load(d, high + (share - 1 - j) * lanes));
    }
    const Vec count = hn::Set(d, static_cast<float>(share));
    hn::Store(hn::Div(low_sum, count), d, valley + lane);
    hn::Store(hn::Div(high_sum, count), d, peak + lane);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
