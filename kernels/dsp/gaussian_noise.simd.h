// Vector code of gaussian_noise.cpp; compiled once for each path (kernels/device/each_path.h).
#include "kernels/device/simd.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// first, second [size]: independent normal numbers from radius in (0, 1] and angle in [0, 1),
/// parts of a turn; size is a multiple of `lanes`. In place.
void box_muller(float* first, float* second, Index size) {
  const Floats d;
  for (Index i = 0; i < size; i += width) {
    const Vec radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0F), log(hn::Load(d, first + i))));
    const Vec angle = hn::Load(d, second + i);
    // The nearest quarter turn and what is left, exactly: at most an eighth.
    const Vec quarter = hn::Round(hn::Mul(angle, hn::Set(d, 4.0F)));
    const Vec rest = hn::NegMulAdd(quarter, hn::Set(d, 0.25F), angle);
    const Vec x = hn::Mul(rest, hn::Set(d, 6.28318531F));
    // Taylor's series: what is left out is less than float32 rounds.
    const Vec square = hn::Mul(x, x);
    Vec s = hn::Set(d, 1.0F / 362880);
    s = hn::MulAdd(s, square, hn::Set(d, -1.0F / 5040));
    s = hn::MulAdd(s, square, hn::Set(d, 1.0F / 120));
    s = hn::MulAdd(s, square, hn::Set(d, -1.0F / 6));
    s = hn::MulAdd(hn::Mul(s, square), x, x);
    Vec c = hn::Set(d, -1.0F / 3628800);
    c = hn::MulAdd(c, square, hn::Set(d, 1.0F / 40320));
    c = hn::MulAdd(c, square, hn::Set(d, -1.0F / 720));
    c = hn::MulAdd(c, square, hn::Set(d, 1.0F / 24));
    c = hn::MulAdd(c, square, hn::Set(d, -0.5F));
    c = hn::MulAdd(c, square, hn::Set(d, 1.0F));
    // Quarters 1 and 3 swap sine and cosine; 1 and 2 have a negative cosine, 2 and 3 a negative
    // sine; 4 is 0.
    const Vec one = hn::Set(d, 1.0F);
    const Vec two = hn::Set(d, 2.0F);
    const Vec three = hn::Set(d, 3.0F);
    const auto swaps = hn::Or(hn::Eq(quarter, one), hn::Eq(quarter, three));
    const auto left = hn::Or(hn::Eq(quarter, one), hn::Eq(quarter, two));
    const auto below = hn::Or(hn::Eq(quarter, two), hn::Eq(quarter, three));
    const Vec cosine = hn::IfThenElse(swaps, s, c);
    const Vec sine = hn::IfThenElse(swaps, c, s);
    hn::Store(hn::Mul(radius, hn::IfThenElse(left, hn::Neg(cosine), cosine)), d, first + i);
    hn::Store(hn::Mul(radius, hn::IfThenElse(below, hn::Neg(sine), sine)), d, second + i);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
