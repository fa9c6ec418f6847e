// The operations that vector code is made of give, on every path, what IEEE 754 says, and where it
// leaves a choice (minimum and maximum of NaN and of zeros), what x86 does.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "tests/support/vector_paths.h"

#define HWY_TARGET_INCLUDE "tests/kernels/device/simd_test.simd.h"
#include "kernels/device/each_path.h"

namespace serenade::test {
namespace {

template <class Number>
struct Definition {
  const char* name;
  std::function<Number(Number, Number, Number)> value;
};

template <class Number>
std::vector<Definition<Number>> definitions() {
  using N = Number;
  return {
      {"MulAdd", [](N a, N b, N c) { return std::fma(a, b, c); }},
      {"NegMulAdd", [](N a, N b, N c) { return std::fma(-a, b, c); }},
      {"Add", [](N a, N b, N) { return a + b; }},
      {"Sub", [](N a, N b, N) { return a - b; }},
      {"Mul", [](N a, N b, N) { return a * b; }},
      {"Div", [](N a, N b, N) { return a / b; }},
      {"Min", [](N a, N b, N) { return a < b ? a : b; }},
      {"Max", [](N a, N b, N) { return a > b ? a : b; }},
      {"Sqrt", [](N a, N, N) { return std::sqrt(a); }},
      {"Round", [](N a, N, N) { return std::nearbyint(a); }},
      {"Neg", [](N a, N, N) { return -a; }},
      {"Abs", [](N a, N, N) { return std::abs(a); }},
      {"Lt", [](N a, N b, N c) { return a < b ? c : a; }},
      {"Ge", [](N a, N b, N c) { return a >= b ? c : a; }},
      {"Eq", [](N a, N b, N c) { return a == b ? c : a; }},
      {"Gt", [](N a, N b, N) { return a > b ? a : N{0}; }},
  };
}

/// Where roundings, signs of zero and overflows show.
template <class Number>
std::vector<Number> special_numbers() {
  using Limits = std::numeric_limits<Number>;
  const Number below_half = std::nextafter(Number{0.5}, Number{0});
  const Number large = 1 / Limits::epsilon();  // halves end here
  return {Number{0},
          -Number{0},
          Number{1},
          -Number{1},
          Number{0.5},
          -Number{0.5},
          Number{1.5},
          -Number{2.5},
          below_half,
          -below_half,
          Number{1} / 3,
          -Number{0.1},
          large / 2 - 1,
          large / 2 + 0.5F,
          Limits::max(),
          -Limits::max(),
          Limits::min(),
          -Limits::min(),
          Limits::infinity(),
          -Limits::infinity(),
          Limits::quiet_NaN(),
          1 + Limits::epsilon(),
          Limits::denorm_min(),
          -3 * Limits::denorm_min()};
}

template <class Number>
bool same(Number a, Number b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

class Simd : public OnVectorPath<VectorPath> {};

template <class Number, class Run>
void expect_definitions(const Run& run) {
  std::vector<Number> a, b, c;
  for (const Number x : special_numbers<Number>()) {
    for (const Number y : special_numbers<Number>()) {
      for (const Number z : special_numbers<Number>()) {
        a.push_back(x), b.push_back(y), c.push_back(z);
      }
    }
  }
  ASSERT_EQ(a.size() % simd::lanes, 0U);
  const auto all = definitions<Number>();
  std::vector<Number> found(all.size() * a.size());
  run(a.data(), b.data(), c.data(), static_cast<Index>(a.size()), found.data());
  for (std::size_t k = 0; k < all.size(); ++k) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const Number wanted = all[k].value(a[i], b[i], c[i]);
      ASSERT_TRUE(same(found[k * a.size() + i], wanted))
          << all[k].name << "(" << a[i] << ", " << b[i] << ", " << c[i] << ") is "
          << found[k * a.size() + i] << ", not " << wanted;
    }
  }
}

TEST_P(Simd, OperationsOnFloatsAreCorrectlyRounded) {
  expect_definitions<float>(ON_VECTOR_PATH(float_operations));
}

TEST_P(Simd, OperationsOnDoublesAreCorrectlyRounded) {
  expect_definitions<double>(ON_VECTOR_PATH(double_operations));
}

TEST_P(Simd, ConversionsRoundOnce) {
  std::vector<float> x;
  std::vector<double> y;
  while (x.size() % simd::lanes != 0 || x.size() < special_numbers<float>().size()) {
    x.push_back(special_numbers<float>()[x.size() % special_numbers<float>().size()]);
    const double near = static_cast<double>(x.back()) * (1 + 0x1p-25);
    y.push_back(x.size() % 2 == 0 ? near : special_numbers<double>()[x.size() % 24]);
  }
  std::vector<double> wide(x.size());
  std::vector<float> narrow(x.size());
  ON_VECTOR_PATH(conversions)
  (x.data(), y.data(), static_cast<Index>(x.size()), wide.data(), narrow.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_TRUE(same(wide[i], static_cast<double>(x[i]))) << x[i];
    EXPECT_TRUE(same(narrow[i], static_cast<float>(y[i]))) << y[i] << " became " << narrow[i];
  }
}

INSTANTIATE_TEST_SUITE_P(VectorPath, Simd, every_vector_path, PathName());

}  // namespace
}  // namespace serenade::test
