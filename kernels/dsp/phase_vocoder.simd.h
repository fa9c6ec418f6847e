// Vector code of phase_vocoder.cpp; compiled once for each path (kernels/device/each_path.h). Every
// lane is a frequency. Sines and arctangents are Taylor's series of reduced arguments, in float64:
// what they leave out is less than float32 can hold.
#include <numbers>

#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

constexpr Doubles wide;
using Wide = hn::Vec<Doubles>;
constexpr hn::Rebind<float, Doubles> narrow;  // as many lanes
constexpr Index wide_lanes = hn::MaxLanes(wide);

HWY_INLINE Wide number(double value) { return hn::Set(wide, value); }
HWY_INLINE Wide read(const float* from) { return hn::PromoteTo(wide, hn::LoadU(narrow, from)); }
HWY_INLINE void write(Wide value, float* to) {
  hn::StoreU(hn::DemoteTo(narrow, value), narrow, to);
}
HWY_INLINE Wide rounded(Wide value) { return hn::PromoteTo(wide, hn::DemoteTo(narrow, value)); }

/// The angle of x + i y in (-pi, pi]; 0 of 0.
HWY_INLINE Wide angle_of(Wide y, Wide x) {
  constexpr double pi = std::numbers::pi;
  const Wide ax = hn::Abs(x), ay = hn::Abs(y);
  const auto steep = hn::Gt(ay, ax);
  const Wide large = hn::IfThenElse(steep, ay, ax), small = hn::IfThenElse(steep, ax, ay);
  // An angle beyond 22.5 degrees is 45 degrees more than that of (small - large) / (small + large).
  const auto beyond = hn::Gt(small, hn::Mul(large, number(std::numbers::sqrt2 - 1)));
  const Wide numerator = hn::IfThenElse(beyond, hn::Sub(small, large), small);
  Wide denominator = hn::IfThenElse(beyond, hn::Add(small, large), large);
  denominator = hn::IfThenElse(hn::Eq(denominator, hn::Zero(wide)), number(1), denominator);
  const Wide z = hn::Div(numerator, denominator);
  const Wide square = hn::Mul(z, z);
  Wide sum = number(1.0 / 25);
  sum = hn::NegMulAdd(sum, square, number(1.0 / 23));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 21));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 19));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 17));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 15));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 13));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 11));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 9));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 7));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 5));
  sum = hn::NegMulAdd(sum, square, number(1.0 / 3));
  sum = hn::NegMulAdd(sum, square, number(1.0));
  Wide angle = hn::Mul(sum, z);
  angle = hn::IfThenElse(beyond, hn::Add(angle, number(pi / 4)), angle);
  angle = hn::IfThenElse(steep, hn::Sub(number(pi / 2), angle), angle);
  angle = hn::IfThenElse(hn::Lt(x, hn::Zero(wide)), hn::Sub(number(pi), angle), angle);
  return hn::IfThenElse(hn::Lt(y, hn::Zero(wide)), hn::Neg(angle), angle);
}

/// real, imaginary [bins] -> angle and magnitude [bins], rounded; bins is a multiple of `lanes`.
void polar(const float* real, const float* imaginary, Index bins, float* angle, float* magnitude) {
  for (Index i = 0; i < bins; i += wide_lanes) {
    const Wide x = read(real + i), y = read(imaginary + i);
    write(angle_of(y, x), angle + i);
    write(hn::Sqrt(hn::MulAdd(x, x, hn::Mul(y, y))), magnitude + i);
  }
}

struct Turn {
  Wide cosine, sine;
};

HWY_INLINE Turn turn_of(Wide phase) {
  const Wide quarters = hn::Round(hn::Mul(phase, number(2 / std::numbers::pi)));
  // pi/2 in two parts; times the upper one, of 33 bits, quarters are exact.
  Wide x = hn::NegMulAdd(quarters, number(0x1.921fb544p+0), phase);
  x = hn::NegMulAdd(quarters, number(0x1.0b4611a626331p-34), x);
  const Wide square = hn::Mul(x, x);
  Wide s = number(-1.0 / 39916800);
  s = hn::MulAdd(s, square, number(1.0 / 362880));
  s = hn::MulAdd(s, square, number(-1.0 / 5040));
  s = hn::MulAdd(s, square, number(1.0 / 120));
  s = hn::MulAdd(s, square, number(-1.0 / 6));
  s = hn::MulAdd(hn::Mul(s, square), x, x);
  Wide c = number(1.0 / 479001600);
  c = hn::MulAdd(c, square, number(-1.0 / 3628800));
  c = hn::MulAdd(c, square, number(1.0 / 40320));
  c = hn::MulAdd(c, square, number(-1.0 / 720));
  c = hn::MulAdd(c, square, number(1.0 / 24));
  c = hn::MulAdd(c, square, number(-0.5));
  c = hn::MulAdd(c, square, number(1));
  // Which quarter of the turn: -2 to 2, in whole numbers.
  const Wide turns = hn::Round(hn::Mul(quarters, number(0.25)));
  const Wide quarter = hn::NegMulAdd(turns, number(4), quarters);
  const Wide size = hn::Abs(quarter);
  const auto odd = hn::Eq(size, number(1)), opposite = hn::Eq(size, number(2));
  Wide cosine = hn::IfThenElse(odd, s, c);
  Wide sine = hn::IfThenElse(odd, c, s);
  // Quarter 1: (-s, c); -1: (s, -c); 2 and -2: (-c, -s).
  const auto first = hn::Eq(quarter, number(1)), last = hn::Eq(quarter, number(-1));
  cosine = hn::IfThenElse(hn::Or(first, opposite), hn::Neg(cosine), cosine);
  sine = hn::IfThenElse(hn::Or(last, opposite), hn::Neg(sine), sine);
  return {cosine, sine};
}

/// One frame of the result, and the phases of the next: of two neighbouring frames' angles and
/// magnitudes, the share of the second, and the phase [bins] so far and that every bin is expected
/// to go on by. real, imaginary [bins]; bins is a multiple of `lanes`.
void next_frame(const float* angle, const float* next_angle, const float* magnitude,
                const float* next_magnitude, double share, const double* expected, Index bins,
                float* phase, float* real, float* imaginary) {
  const double round_trip = 2 * std::numbers::pi;
  for (Index i = 0; i < bins; i += wide_lanes) {
    const Wide here = read(phase + i);
    const Turn turn = turn_of(here);
    const Wide size = hn::Add(hn::Mul(number(1 - share), read(magnitude + i)),
                              hn::Mul(number(share), read(next_magnitude + i)));
    write(hn::Mul(rounded(turn.cosine), size), real + i);
    write(hn::Mul(rounded(turn.sine), size), imaginary + i);
    const Wide advance = hn::LoadU(wide, expected + i);
    Wide difference = rounded(hn::Sub(read(next_angle + i), read(angle + i)));
    difference = hn::Sub(difference, advance);
    const Wide trips = hn::Round(hn::Div(difference, number(round_trip)));
    difference = hn::Sub(difference, hn::Mul(number(round_trip), trips));
    write(hn::Add(here, hn::Add(advance, difference)), phase + i);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
