/// Elementary functions on vectors of floats. They are ours because results must not depend on the
/// version of a library; each is a fixed sequence of correctly rounded operations, the same on
/// every machine with FMA. The coefficients are minimax fits rounded to float32. Errors are
/// against float64 and were measured over every float; the test samples them
/// (tests/kernels/dsp/vector_math_test.cpp).
#include "kernels/device/simd.h"

// An include guard for each path.
#if defined(SERENADE_VECTOR_MATH_SIMD_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SERENADE_VECTOR_MATH_SIMD_H
#undef SERENADE_VECTOR_MATH_SIMD_H
#else
#define SERENADE_VECTOR_MATH_SIMD_H
#endif

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {

namespace detail {

struct Logarithm {
  Vec exponent;  // x = 2^exponent m with m in [sqrt(1/2), sqrt(2))
  Vec mantissa;  // ln m
};

inline Logarithm split_log(Vec x) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  // Subnormal numbers are scaled into the normal range first.
  const auto tiny = hn::Lt(x, hn::Set(d, 0x1p-126F));
  const Vec scaled = hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 0x1p24F)), x);
  // Subtracting the bits of sqrt(1/2) makes the exponent field count from there.
  const auto half_root = hn::Set(di, 0x3f3504f3);
  const auto bits = hn::Sub(hn::BitCast(di, scaled), half_root);
  const auto whole = hn::ShiftRight<23>(bits);
  const Vec m = hn::BitCast(d, hn::Add(hn::And(bits, hn::Set(di, 0x007fffff)), half_root));
  const Vec exponent =
      hn::Sub(hn::ConvertTo(d, whole), hn::IfThenElseZero(tiny, hn::Set(d, 24.0F)));
  // ln(1 + r) = r - r^2 / 2 + r^3 q(r)
  const Vec r = hn::Sub(m, hn::Set(d, 1.0F));
  Vec q = hn::Set(d, -0.0763689056F);
  q = hn::MulAdd(q, r, hn::Set(d, 0.127624273F));
  q = hn::MulAdd(q, r, hn::Set(d, -0.131595373F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.142015442F));
  q = hn::MulAdd(q, r, hn::Set(d, -0.166234121F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.200012431F));
  q = hn::MulAdd(q, r, hn::Set(d, -0.250008196F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.333333313F));
  q = hn::MulAdd(q, r, hn::Set(d, -0.5F));
  return {exponent, hn::MulAdd(hn::Mul(r, r), q, r)};
}

// Zero, negative numbers, infinity and NaN.
inline Vec log_specials(Vec x, Vec result) {
  const Floats d;
  const Vec inf = hn::Inf(d);
  result = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(inf), result);
  result = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::NaN(d), result);
  // False for NaN as well, which then stays what it is.
  return hn::IfThenElse(hn::Lt(x, inf), result, x);
}

}  // namespace detail

/// Natural logarithm; at most 1 ulp. log(0) = -inf, of negative numbers NaN.
inline Vec log(Vec x) {
  const Floats d;
  const auto [e, m] = detail::split_log(x);
  // ln 2 in two parts; e times the upper one is exact.
  const Vec low = hn::MulAdd(e, hn::Set(d, 1.42860682e-06F), m);
  return detail::log_specials(x, hn::MulAdd(e, hn::Set(d, 0x1.62e4p-1F), low));
}

/// Logarithm to base 10; at most 2 ulp.
inline Vec log10(Vec x) {
  const Floats d;
  const auto [e, m] = detail::split_log(x);
  const Vec low = hn::MulAdd(m, hn::Set(d, 0.434294482F), hn::Mul(e, hn::Set(d, 4.60503898e-06F)));
  return detail::log_specials(x, hn::MulAdd(e, hn::Set(d, 0x1.344p-2F), low));
}

/// Logarithm to base 2; at most 2 ulp.
inline Vec log2(Vec x) {
  const Floats d;
  const auto [e, m] = detail::split_log(x);
  return detail::log_specials(x, hn::MulAdd(m, hn::Set(d, 1.44269504F), e));
}

/// e^x; at most 1.02 ulp. Overflows to infinity, underflows through subnormal numbers to 0.
inline Vec exp(Vec x) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  // Beyond these the result is infinity or 0 anyway. Comparisons are false for NaN: it is bounded
  // as well, as no integer stands for it, and comes back at the end.
  Vec bounded = hn::IfThenElse(hn::Lt(x, hn::Set(d, 100.0F)), x, hn::Set(d, 100.0F));
  bounded = hn::IfThenElse(hn::Lt(x, hn::Set(d, -110.0F)), hn::Set(d, -110.0F), bounded);
  const Vec n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504F)));
  Vec r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1F), bounded);
  r = hn::NegMulAdd(n, hn::Set(d, 1.42860682e-06F), r);
  // e^r = 1 + r + r^2 q(r)
  Vec q = hn::Set(d, 0.00138198026F);
  q = hn::MulAdd(q, r, hn::Set(d, 0.00836868584F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.0416682772F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.166665211F));
  q = hn::MulAdd(q, r, hn::Set(d, 0.49999994F));
  const Vec value = hn::Add(hn::MulAdd(hn::Mul(r, r), q, r), hn::Set(d, 1.0F));
  // 2^n in two factors, as n itself may lie outside the exponents of normal numbers.
  const auto whole = hn::ConvertTo(di, n);
  const auto first = hn::ShiftRight<1>(whole);
  const auto power_of_two = [&](auto exponent) HWY_ATTR {
    return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(di, 127))));
  };
  const Vec result =
      hn::Mul(hn::Mul(value, power_of_two(first)), power_of_two(hn::Sub(whole, first)));
  return hn::IfThenElse(hn::IsNaN(x), x, result);
}

}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
