#include "kernels/nn/elementary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace serenade::test {
namespace {

/// Largest value of error(x) over floats from low to high.
template <class Error>
double largest(float low, float high, const Error& error) {
  double most = 0;
  constexpr int steps = 2'000'000;
  for (int i = 0; i <= steps; ++i) {
    const double at = double{low} + (double{high} - double{low}) * i / steps;
    const auto x = static_cast<float>(at);
    most = std::max(most, error(x));
  }
  return most;
}

TEST(Elementary, IsAsExactAsItSays) {
  constexpr double ulp = 0x1p-23;  // of values from 1 to 2; half of it where values near 2 matter
  EXPECT_LT(largest(-87, 88,
                    [](float x) {
                      const double want = std::exp(double{x});
                      int exponent = 0;
                      std::frexp(want, &exponent);
                      const double unit = std::ldexp(ulp, exponent - 1);
                      return std::abs(double{exponential(x)} - want) / unit;
                    }),
            1.1);
  EXPECT_LT(largest(-20, 20,
                    [](float x) {
                      const double want = std::expm1(double{x});
                      if (want == 0) return double{exponential_minus_1(x)};
                      return std::abs(double{exponential_minus_1(x)} / want - 1);
                    }),
            2e-7);
  EXPECT_LT(largest(-87, 30,
                    [](float x) {
                      const double want = 1 / (1 + std::exp(-double{x}));
                      return std::abs(double{logistic(x)} / want - 1);
                    }),
            3e-7);
  EXPECT_LT(largest(-14, 14,
                    [](float x) {
                      const double want = std::erfc(-double{x} / std::sqrt(2.0)) / 2;
                      return std::abs(double{normal(x).cumulative} - want);
                    }),
            2e-7);
  EXPECT_LT(largest(-14, 14,
                    [](float x) {
                      const double want =
                          std::exp(-double{x} * double{x} / 2) / std::sqrt(2 * M_PI);
                      return std::abs(double{normal(x).density} - want);
                    }),
            1e-7);
}

TEST(Elementary, StaysWithinBoundsBeyondThem) {
  constexpr float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(exponential(inf), exponential(88));
  EXPECT_EQ(exponential(-inf), exponential(-87));
  EXPECT_EQ(exponential_minus_1(-inf), -1);
  EXPECT_EQ(logistic(inf), 1);
  EXPECT_LT(logistic(-inf), 1e-37F);
  EXPECT_EQ(normal(100).cumulative, 1);
  EXPECT_LT(normal(-100).cumulative, 1e-37F);
  const float nan = std::nanf("");
  for (const float value : {exponential(nan), exponential_minus_1(nan), logistic(nan),
                            normal(nan).cumulative, normal(nan).density}) {
    EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace serenade::test
