// Vector code of yin.cpp; compiled once for each path (kernels/device/each_path.h).
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/yin.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// The cumulative mean normalised difference functions of a tile's frames: differences [periods,
/// lanes]. Samples s of the frames are 16 neighbours from blocks + offset[s] on; every second row
/// of spectrum, from the first, is their correlation at lag k times the number of points.
/// d(k) = 2 (correlation(0) - correlation(k)) - sum of the squares of the first k samples, over the
/// mean of d(1..k); but from d(1) the first sample's square is not subtracted. That is no period's
/// business, but librosa (0.11 and 1.0) clears the first of its running sums before it subtracts
/// them, and so every mean is larger by that square over k than the paper's.
void normalized_differences(const YinPlan& plan, const float* blocks, const std::int32_t* offset,
                            const float* spectrum, float* differences) {
  constexpr Doubles d64;
  constexpr hn::Rebind<float, Doubles> half;
  constexpr Index doubles = hn::MaxLanes(d64);
  const auto tiny = hn::Set(d64, static_cast<double>(std::numeric_limits<float>::min()));
  const auto per_point = hn::Set(d64, 1.0 / (2.0 * plan.frames().frame_length));
  for (Index lane = 0; lane < lanes; lane += doubles) {
    const auto correlation = [&](Index k) HWY_ATTR {
      return hn::Mul(hn::PromoteTo(d64, hn::LoadU(half, spectrum + 2 * k * lanes + lane)),
                     per_point);
    };
    const auto whole = correlation(0);
    auto energy = hn::Zero(d64);
    auto sum = hn::Zero(d64);
    for (Index k = 1; k <= plan.max_period(); ++k) {
      const auto x = hn::PromoteTo(d64, hn::LoadU(half, blocks + offset[k - 1] + lane));
      energy = hn::MulAdd(x, x, energy);
      const auto change = hn::Sub(whole, correlation(k));
      const auto subtracted = k == 1 ? hn::Zero(d64) : energy;
      const auto difference = hn::Sub(hn::Add(change, change), subtracted);
      sum = hn::Add(sum, difference);
      if (k < plan.min_period()) continue;
      const auto mean = hn::Add(hn::Div(sum, hn::Set(d64, static_cast<double>(k))), tiny);
      hn::StoreU(hn::DemoteTo(half, hn::Div(difference, mean)), half,
                 differences + (k - plan.min_period()) * lanes + lane);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
