// Vector code of pcen.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/device/simd.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

constexpr Doubles d64;
constexpr hn::Rebind<float, Doubles> half;  // as many floats as a register holds doubles
constexpr Index doubles = hn::MaxLanes(d64);

/// log(1 + x) and e^x - 1, good to a few units in the last place for small x as well: what is lost
/// by rounding 1 + x, or e^x, is lost by the quotient's denominator too (Kahan).
HWY_INLINE Vec log1p(Vec x) {
  const Floats d;
  const Vec u = hn::Add(hn::Set(d, 1.0F), x);
  const Vec rounded = hn::Sub(u, hn::Set(d, 1.0F));
  const auto same = hn::Eq(rounded, hn::Zero(d));
  const Vec quotient = hn::Div(x, hn::IfThenElse(same, hn::Set(d, 1.0F), rounded));
  return hn::IfThenElse(same, x, hn::Mul(log(u), quotient));
}
HWY_INLINE Vec expm1(Vec x) {
  const Floats d;
  const Vec u = exp(x);
  const Vec rounded = hn::Sub(u, hn::Set(d, 1.0F));
  const auto same = hn::Eq(rounded, hn::Zero(d));
  const Vec quotient = hn::Div(x, hn::IfThenElse(same, hn::Set(d, 1.0F), log(u)));
  return hn::IfThenElse(same, x, hn::Mul(rounded, quotient));
}

/// (u + bias)^power - bias^power where u over the bias may be beyond float32; level = log u.
HWY_INLINE Vec over_small_bias(Vec level, const PcenOptions& options) {
  const Floats d;
  // (1 + r)^p = r^p and e^x - 1 = e^x to float32's last place from here on.
  const Vec far = hn::Set(d, 20.0F);
  const Vec power = hn::Set(d, static_cast<float>(options.power));
  const Vec lift = hn::Set(d, static_cast<float>(std::pow(options.bias, options.power)));
  const Vec above = hn::Sub(level, hn::Set(d, static_cast<float>(std::log(options.bias))));
  const Vec grown = hn::IfThenElse(hn::Lt(above, far), log1p(exp(hn::Min(above, far))), above);
  const Vec rise = hn::Mul(power, grown);
  return hn::IfThenElse(hn::Lt(rise, far), hn::Mul(lift, expm1(rise)), exp(hn::Mul(power, level)));
}

/// `count` neighbouring bands of one clip, rows `stride` apart.
void pcen_of_bands(const float* in, Index frames, Index stride, Index count, double smoothing,
                   const PcenOptions& options, float* out) {
  const Floats d;
  const auto scale = hn::Set(d64, options.scale);
  const auto share = hn::Set(d64, smoothing);
  const auto rest = hn::Set(d64, 1 - smoothing);
  const auto eps = hn::Set(d64, options.eps);
  const auto largest = hn::Set(d64, pcen_largest);
  const Vec gain = hn::Set(d, static_cast<float>(-options.gain));
  const Vec power = hn::Set(d, static_cast<float>(options.power));
  const Vec per_bias = hn::Set(d, static_cast<float>(1 / options.bias));
  const Vec lift = hn::Set(d, static_cast<float>(std::pow(options.bias, options.power)));
  alignas(64) std::array<float, lanes> now{};
  alignas(64) std::array<float, lanes> scaled{};
  alignas(64) std::array<float, lanes> divisor{};
  alignas(64) std::array<double, lanes> mean{};
  mean.fill(1.0);
  for (Index t = 0; t < frames; ++t, in += stride, out += stride) {
    std::copy(in, in + count, now.begin());
    for (Index lane = 0; lane < lanes; lane += doubles) {
      const auto x =
          hn::Min(hn::Mul(hn::PromoteTo(d64, hn::Load(half, now.data() + lane)), scale), largest);
      const auto m = hn::MulAdd(share, x, hn::Mul(rest, hn::Load(d64, mean.data() + lane)));
      hn::Store(m, d64, mean.data() + lane);
      hn::Store(hn::DemoteTo(half, x), half, scaled.data() + lane);
      hn::Store(hn::DemoteTo(half, hn::Add(m, eps)), half, divisor.data() + lane);
    }
    for (Index lane = 0; lane < lanes; lane += width) {
      const Vec x = hn::Load(d, scaled.data() + lane);
      const Vec smooth = hn::Mul(gain, log(hn::Load(d, divisor.data() + lane)));
      Vec y = hn::Zero(d);
      if (options.power == 0) {
        y = log1p(hn::Mul(x, exp(smooth)));
      } else if (options.bias < pcen_small_bias) {
        const Vec level = hn::Add(log(x), smooth);
        y = options.bias == 0 ? exp(hn::Mul(power, level)) : over_small_bias(level, options);
        // A power that is 0 in float32 would leave log(0) no number.
        y = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), x, y);
      } else {
        const Vec ratio = hn::Mul(hn::Mul(x, exp(smooth)), per_bias);
        y = hn::Mul(lift, expm1(hn::Mul(power, log1p(ratio))));
      }
      hn::Store(y, d, scaled.data() + lane);
    }
    std::copy(scaled.begin(), scaled.begin() + count, out);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
