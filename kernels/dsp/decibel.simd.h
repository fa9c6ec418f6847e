// Vector code of decibel.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <array>
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/vector_math.simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// out[i] = f(in[i]) over size numbers; the last vector goes through a copy filled with `filler`.
template <class F>
void transform(const float* in, Index size, float filler, float* out, const F& f) {
  const Floats d;
  Index i = 0;
  for (; i + width <= size; i += width) hn::StoreU(f(hn::LoadU(d, in + i)), d, out + i);
  if (i == size) return;
  alignas(64) std::array<float, lanes> last{};
  last.fill(filler);
  std::copy(in + i, in + size, last.begin());
  hn::Store(f(hn::Load(d, last.data())), d, last.data());
  std::copy(last.begin(), last.begin() + (size - i), out + i);
}

/// out[i] = 10 log10(max(power[i], amin)) - reference; returns the largest. size >= 1.
float to_decibels(const float* power, Index size, float amin, float reference, float* out) {
  const Floats d;
  Vec highest = hn::Set(d, std::numeric_limits<float>::lowest());
  // The filler is the first number itself: it does not change the maximum.
  transform(power, size, power[0], out, [&](Vec x) HWY_ATTR {
    const Vec log = log10(hn::Max(x, hn::Set(d, amin)));
    const Vec db = hn::Sub(hn::Mul(hn::Set(d, 10.0F), log), hn::Set(d, reference));
    highest = hn::Max(highest, db);
    return db;
  });
  return hn::GetLane(hn::MaxOfLanes(d, highest));
}

/// x[i] = max(x[i], lowest)
void raise_to(float lowest, Index size, float* x) {
  const Floats d;
  transform(x, size, 0.0F, x, [&](Vec v) HWY_ATTR { return hn::Max(v, hn::Set(d, lowest)); });
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
