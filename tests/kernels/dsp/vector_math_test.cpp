#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/vector_paths.h"

#define HWY_TARGET_INCLUDE "tests/kernels/dsp/vector_math_test.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

using Lanes = std::array<float, simd::lanes>;
using Function = void (*)(const float* in, float* out);

Lanes in_lanes(const Lanes& x, Function f) {
  Lanes y{};
  f(x.data(), y.data());
  return y;
}

float one(float x, Function f) {
  Lanes all{};
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
template <class Exact>
double worst(float low, float high, std::uint32_t step, Function f, const Exact& exact) {
  double largest = 0;
  const auto end = std::bit_cast<std::uint32_t>(high);
  for (auto bits = std::bit_cast<std::uint32_t>(low); bits <= end;) {
    Lanes x{};
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

constexpr float smallest = std::numeric_limits<float>::denorm_min();
constexpr float largest = std::numeric_limits<float>::max();

class VectorMath : public test::OnVectorPath<VectorPath> {};

// The bounds are the ones documented; 997 is prime, so that all low bits are met.
TEST_P(VectorMath, LogarithmsAreWithinTheirBounds) {
  EXPECT_LE(worst(smallest, largest, 997, ON_VECTOR_PATH(log_lanes),
                  [](double x) { return std::log(x); }),
            1.0);
  EXPECT_LE(worst(smallest, largest, 997, ON_VECTOR_PATH(log2_lanes),
                  [](double x) { return std::log2(x); }),
            2.0);
  EXPECT_LE(worst(smallest, largest, 997, ON_VECTOR_PATH(log10_lanes),
                  [](double x) { return std::log10(x); }),
            2.0);
  // Near 1, where the result is small, every float.
  EXPECT_LE(
      worst(0.999F, 1.001F, 1, ON_VECTOR_PATH(log_lanes), [](double x) { return std::log(x); }),
      1.0);
  EXPECT_LE(
      worst(0.999F, 1.001F, 1, ON_VECTOR_PATH(log2_lanes), [](double x) { return std::log2(x); }),
      2.0);
  EXPECT_LE(
      worst(0.999F, 1.001F, 1, ON_VECTOR_PATH(log10_lanes), [](double x) { return std::log10(x); }),
      2.0);
}

TEST_P(VectorMath, ExponentialIsWithinItsBound) {
  const auto exact = [](double x) { return std::exp(x); };
  EXPECT_LE(worst(smallest, 89.0F, 997, ON_VECTOR_PATH(exp_lanes), exact), 1.02);
  EXPECT_LE(worst(-smallest, -104.0F, 997, ON_VECTOR_PATH(exp_lanes), exact), 1.02);
}

TEST_P(VectorMath, LogarithmsOfSpecialNumbers) {
  const auto special = [](Function f) {
    EXPECT_EQ(one(1.0F, f), 0.0F);
    EXPECT_EQ(one(0.0F, f), -infinity);
    EXPECT_EQ(one(-0.0F, f), -infinity);
    EXPECT_EQ(one(infinity, f), infinity);
    EXPECT_TRUE(std::isnan(one(-1.0F, f)));
    EXPECT_TRUE(std::isnan(one(-infinity, f)));
    EXPECT_TRUE(std::isnan(one(nan, f)));
  };
  special(ON_VECTOR_PATH(log_lanes));
  special(ON_VECTOR_PATH(log2_lanes));
  special(ON_VECTOR_PATH(log10_lanes));
  EXPECT_EQ(one(0x1p-100F, ON_VECTOR_PATH(log2_lanes)), -100.0F);
  EXPECT_EQ(one(1e-10F, ON_VECTOR_PATH(log10_lanes)), -10.0F);
}

TEST_P(VectorMath, ExponentialOfSpecialNumbers) {
  EXPECT_EQ(one(0.0F, ON_VECTOR_PATH(exp_lanes)), 1.0F);
  EXPECT_EQ(one(infinity, ON_VECTOR_PATH(exp_lanes)), infinity);
  EXPECT_EQ(one(1000.0F, ON_VECTOR_PATH(exp_lanes)), infinity);
  EXPECT_EQ(one(-infinity, ON_VECTOR_PATH(exp_lanes)), 0.0F);
  EXPECT_EQ(one(-1000.0F, ON_VECTOR_PATH(exp_lanes)), 0.0F);
  EXPECT_TRUE(std::isnan(one(nan, ON_VECTOR_PATH(exp_lanes))));
}

/// Every 4999th float of all there are, NaN and infinities included.
TEST_P(VectorMath, GivesTheBitsOfTheScalarPath) {
  const auto all = [](Function f) {
    std::vector<float> results;
    for (std::uint64_t bits = 0; bits < 0x100000000; bits += simd::lanes * 4999) {
      Lanes x{};
      for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits + i * 4999));
      }
      const Lanes y = in_lanes(x, f);
      results.insert(results.end(), y.begin(), y.end());
    }
    return results;
  };
  const auto on_path = [](VectorPath on) {
    use_vector_path(on);
    return std::array<Function, 4>{ON_VECTOR_PATH(log_lanes), ON_VECTOR_PATH(log2_lanes),
                                   ON_VECTOR_PATH(log10_lanes), ON_VECTOR_PATH(exp_lanes)};
  };
  const auto scalar = on_path(VectorPath::scalar);
  const auto here = on_path(GetParam());
  for (std::size_t k = 0; k < here.size(); ++k) {
    const auto wanted = all(scalar[k]);
    const auto found = all(here[k]);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (std::isnan(wanted[i]) && std::isnan(found[i])) continue;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(wanted[i]));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(VectorPath, VectorMath, test::every_vector_path, test::PathName());

}  // namespace
}  // namespace serenade
