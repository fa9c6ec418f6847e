#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

/// Elementary functions of one float, written so that the compiler turns loops over them into
/// vectors: no branch (both sides of a choice are computed before it), no table, no library. Each
/// is a fixed sequence of correctly rounded operations, so that results depend neither on the
/// library nor on the width of a vector. Kernels use them too (nvcc compiles constexpr functions
/// for both sides); there the compiler may fuse a product with a sum, which changes the last bit.
/// They pass NaN on. Errors are against float64 (tests/kernels/nn/elementary_test.cpp).
namespace serenade {

namespace detail {

struct Exponential {
  float power;  // 2^n
  float rest;   // e^r - 1; e^x = 2^n e^r
};

constexpr Exponential split_exp(float x) {
  float bounded = x > 88.0F ? 88.0F : x;
  bounded = bounded < -87.0F ? -87.0F : bounded;
  // Adding 1.5 x 2^23 rounds to a whole number, which then stands in the lowest bits.
  constexpr float shift = 12582912.0F;
  const float shifted = std::fma(bounded, 1.44269504F, shift);
  const float n = shifted - shift;
  float r = std::fma(-n, 0x1.62e4p-1F, bounded);
  r = std::fma(-n, 1.42860682e-06F, r);
  // e^r = 1 + r + r^2 q(r), as in kernels/dsp/vector_math.simd.h
  float q = 0.00138198026F;
  q = std::fma(q, r, 0.00836868584F);
  q = std::fma(q, r, 0.0416682772F);
  q = std::fma(q, r, 0.166665211F);
  q = std::fma(q, r, 0.49999994F);
  const auto bits = (std::bit_cast<std::uint32_t>(shifted) + 127U) << 23U;
  return {std::bit_cast<float>(bits), std::fma(r * r, q, r)};
}

}  // namespace detail

/// e^x, at most 1.1 ulp for x from -87 to 88; beyond these it stays what it is there.
constexpr float exponential(float x) {
  const auto [power, rest] = detail::split_exp(x);
  return std::fma(power, rest, power);
}

/// e^x - 1 without cancellation near 0, relative error at most 2e-7; the same bounds.
constexpr float exponential_minus_1(float x) {
  const auto [power, rest] = detail::split_exp(x);
  return std::fma(power, rest, power - 1.0F);
}

/// 1 / (1 + e^-x), relative error at most 3e-7 for x of at least -87.
constexpr float logistic(float x) { return 1.0F / (1.0F + exponential(-x)); }

/// The normal distribution: its density exp(-x^2 / 2) / sqrt(2 pi) and its cumulative, which is
/// (1 + erf(x / sqrt 2)) / 2.
struct Normal {
  float density;
  float cumulative;
};

/// Absolute errors at most 1e-7 and 2e-7. The tail beyond |x| is e^(-x^2 / 2) times a smooth
/// function of u = 1 / (1 + 0.3 |x|), here a polynomial fitted for least relative error on |x| <=
/// 14.
constexpr Normal normal(float x) {
  const float t = std::fabs(x);
  const float bell = exponential(-0.5F * t * t);
  const float u = 1.0F / std::fma(0.3F, t, 1.0F);
  float q = -0.0206128694F;
  q = std::fma(q, u, 0.112375982F);
  q = std::fma(q, u, -0.228067964F);
  q = std::fma(q, u, 0.191582277F);
  q = std::fma(q, u, -0.0792478397F);
  q = std::fma(q, u, 0.096058093F);
  q = std::fma(q, u, 0.0784254894F);
  q = std::fma(q, u, 0.110227346F);
  q = std::fma(q, u, 0.119572841F);
  q = std::fma(q, u, 0.119686641F);
  const float tail = q * u * bell;
  return {bell * 0.398942280F, 0.5F + std::copysign(0.5F - tail, x)};
}

}  // namespace serenade
