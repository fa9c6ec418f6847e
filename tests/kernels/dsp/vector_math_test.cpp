#include "kernels/dsp/vector_math.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace serenade {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

template <class F>
std::array<float, simd::lanes> in_lanes(const std::array<float, simd::lanes>& x, const F& f) {
  const simd::Floats d;
  alignas(64) std::array<float, simd::lanes> in = x;
  alignas(64) std::array<float, simd::lanes> out{};
  for (std::size_t i = 0; i < x.size(); i += static_cast<std::size_t>(simd::width())) {
    simd::hn::Store(f(simd::hn::Load(d, in.data() + i)), d, out.data() + i);
  }
  return out;
}

template <class F>
float one(float x, const F& f) {
  std::array<float, simd::lanes> all{};
  all.fill(x);
  return in_lanes(all, f)[0];
}

/// Distance in units of the last place of the float nearest to `exact`.
double ulps(float found, double exact) {
  if (std::isinf(static_cast<float>(exact)) && found == static_cast<float>(exact)) return 0;
  const int exponent = std::max(std::ilogb(exact), -126);
  return std::abs(static_cast<double>(found) - exact) / std::ldexp(1.0, exponent - 23);
}

/// The largest error over every `step`-th float of [low, high], by their bits.
template <class F, class Exact>
double worst(float low, float high, std::uint32_t step, const F& f, const Exact& exact) {
  double largest = 0;
  const auto end = std::bit_cast<std::uint32_t>(high);
  for (auto bits = std::bit_cast<std::uint32_t>(low); bits <= end;) {
    std::array<float, simd::lanes> x{};
    for (float& value : x) {
      value = std::bit_cast<float>(std::min(bits, end));
      bits += step;
    }
    const auto y = in_lanes(x, f);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto value = static_cast<double>(x[i]);
      if (exact(value) != 0) largest = std::max(largest, ulps(y[i], exact(value)));
    }
  }
  return largest;
}

const auto log_lanes = [](simd::Vec x) { return simd::log(x); };
const auto log2_lanes = [](simd::Vec x) { return simd::log2(x); };
const auto log10_lanes = [](simd::Vec x) { return simd::log10(x); };
const auto exp_lanes = [](simd::Vec x) { return simd::exp(x); };

constexpr float smallest = std::numeric_limits<float>::denorm_min();
constexpr float largest = std::numeric_limits<float>::max();

// The bounds are the ones documented; 997 is prime, so that all low bits are met.
TEST(VectorMath, LogarithmsAreWithinTheirBounds) {
  EXPECT_LE(worst(smallest, largest, 997, log_lanes, [](double x) { return std::log(x); }), 1.0);
  EXPECT_LE(worst(smallest, largest, 997, log2_lanes, [](double x) { return std::log2(x); }), 2.0);
  EXPECT_LE(worst(smallest, largest, 997, log10_lanes, [](double x) { return std::log10(x); }),
            2.0);
  // Near 1, where the result is small, every float.
  EXPECT_LE(worst(0.999F, 1.001F, 1, log_lanes, [](double x) { return std::log(x); }), 1.0);
  EXPECT_LE(worst(0.999F, 1.001F, 1, log2_lanes, [](double x) { return std::log2(x); }), 2.0);
  EXPECT_LE(worst(0.999F, 1.001F, 1, log10_lanes, [](double x) { return std::log10(x); }), 2.0);
}

TEST(VectorMath, ExponentialIsWithinItsBound) {
  const auto exact = [](double x) { return std::exp(x); };
  EXPECT_LE(worst(smallest, 89.0F, 997, exp_lanes, exact), 1.02);
  EXPECT_LE(worst(-smallest, -104.0F, 997, exp_lanes, exact), 1.02);
}

TEST(VectorMath, LogarithmsOfSpecialNumbers) {
  const auto special = [](const auto& f) {
    EXPECT_EQ(one(1.0F, f), 0.0F);
    EXPECT_EQ(one(0.0F, f), -infinity);
    EXPECT_EQ(one(-0.0F, f), -infinity);
    EXPECT_EQ(one(infinity, f), infinity);
    EXPECT_TRUE(std::isnan(one(-1.0F, f)));
    EXPECT_TRUE(std::isnan(one(-infinity, f)));
    EXPECT_TRUE(std::isnan(one(nan, f)));
  };
  special(log_lanes);
  special(log2_lanes);
  special(log10_lanes);
  EXPECT_EQ(one(0x1p-100F, log2_lanes), -100.0F);
  EXPECT_EQ(one(1e-10F, log10_lanes), -10.0F);
}

TEST(VectorMath, ExponentialOfSpecialNumbers) {
  EXPECT_EQ(one(0.0F, exp_lanes), 1.0F);
  EXPECT_EQ(one(infinity, exp_lanes), infinity);
  EXPECT_EQ(one(1000.0F, exp_lanes), infinity);
  EXPECT_EQ(one(-infinity, exp_lanes), 0.0F);
  EXPECT_EQ(one(-1000.0F, exp_lanes), 0.0F);
  EXPECT_TRUE(std::isnan(one(nan, exp_lanes)));
}

}  // namespace
}  // namespace serenade
