// Vector code of cqt.cpp; compiled once for each path (kernels/device/each_path.h).
#include "kernels/device/simd.h"
#include "kernels/dsp/cqt.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// spectrum [bins * 2, lanes], real and imaginary rows in turn -> magnitudes [filters, lanes].
void filter_spectrum(const CqtPlan::Octave& octave, const float* spectrum, float* magnitudes) {
  const Floats d;
  for (const CqtPlan::Filter& filter : octave.filters) {
    const float* weights = octave.weights.data() + filter.weights;
    const float* bins = spectrum + 2 * filter.first * lanes;
    for (Index lane = 0; lane < lanes; lane += width) {
      Vec real = hn::Zero(d);
      Vec imaginary = hn::Zero(d);
      for (Index k = 0; k < filter.count; ++k) {
        const Vec x = hn::Load(d, bins + 2 * k * lanes + lane);
        const Vec y = hn::Load(d, bins + (2 * k + 1) * lanes + lane);
        const Vec a = hn::Set(d, weights[2 * k]);
        const Vec b = hn::Set(d, weights[2 * k + 1]);
        real = hn::NegMulAdd(b, y, hn::MulAdd(a, x, real));
        imaginary = hn::MulAdd(b, x, hn::MulAdd(a, y, imaginary));
      }
      const Vec power = hn::MulAdd(real, real, hn::Mul(imaginary, imaginary));
      hn::Store(hn::Sqrt(power), d, magnitudes + lane);
    }
    magnitudes += lanes;
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
