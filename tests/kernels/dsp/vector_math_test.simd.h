// Vector code of vector_math_test.cpp, compiled once for each path.
#include "kernels/device/simd.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// out[i] = f(in[i]) for the lanes of a tile.
template <class F>
void in_lanes(const float* in, float* out, const F& f) {
  const Floats d;
  for (Index i = 0; i < lanes; i += width) hn::StoreU(f(hn::LoadU(d, in + i)), d, out + i);
}

void log_lanes(const float* in, float* out) {
  in_lanes(in, out, [](Vec x) HWY_ATTR { return log(x); });
}
void log2_lanes(const float* in, float* out) {
  in_lanes(in, out, [](Vec x) HWY_ATTR { return log2(x); });
}
void log10_lanes(const float* in, float* out) {
  in_lanes(in, out, [](Vec x) HWY_ATTR { return log10(x); });
}
void exp_lanes(const float* in, float* out) {
  in_lanes(in, out, [](Vec x) HWY_ATTR { return exp(x); });
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
