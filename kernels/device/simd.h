/// What vector code (NAME.simd.h) is written with: Highway's operations as `hn`, and the vectors of
/// a tile. Read once for each path (each_path.h), each time into a namespace of its own.
///
///     #include "kernels/device/simd.h"
///
///     HWY_BEFORE_NAMESPACE();
///     namespace serenade::simd::HWY_NAMESPACE {
///     namespace {
///
///     ...  // functions over pointers; lambdas need HWY_ATTR
///
///     }  // namespace
///     }  // namespace serenade::simd::HWY_NAMESPACE
///     HWY_AFTER_NAMESPACE();
#include <hwy/highway.h>

#include <cmath>

#include "kernels/device/vector_path.h"

// An include guard for each path.
#if defined(SERENADE_SIMD_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SERENADE_SIMD_H
#undef SERENADE_SIMD_H
#else
#define SERENADE_SIMD_H
#endif

namespace serenade::simd::HWY_NAMESPACE {

namespace hn {

using namespace hwy::HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): it is extended

#if HWY_TARGET == HWY_SCALAR
// These hide Highway's, which differ in bits from the instructions of the other paths: its
// MulAdd rounds twice, its Round rounds 0.49999997 to 1, its Min and Max look for NaN in both
// arguments, its DemoteTo gives the largest float for what overflows.
template <class V>
HWY_INLINE V MulAdd(V factor, V x, V summand) {
  return V(std::fma(factor.raw, x.raw, summand.raw));
}
template <class V>
HWY_INLINE V NegMulAdd(V factor, V x, V summand) {
  return V(std::fma(-factor.raw, x.raw, summand.raw));
}
template <class V>
HWY_INLINE V Round(V v) {
  return V(std::nearbyint(v.raw));
}
template <class V>
HWY_INLINE V Min(V a, V b) {
  return a.raw < b.raw ? a : b;
}
template <class V>
HWY_INLINE V Max(V a, V b) {
  return a.raw > b.raw ? a : b;
}
HWY_INLINE Vec1<float> DemoteTo(Sisd<float> /*tag*/, Vec1<double> v) {
  return Vec1<float>(static_cast<float>(v.raw));
}
#endif

}  // namespace hn

/// As many lanes of a tile as a register holds.
using Floats = hn::CappedTag<float, lanes>;
using Vec = hn::Vec<Floats>;
/// float64 for what must not round on the way; a register holds half as many lanes.
using Doubles = hn::CappedTag<double, lanes>;

/// Lanes of a register; divides `lanes`, and loops over a tile step by it.
inline constexpr Index width = hn::MaxLanes(Floats());

}  // namespace serenade::simd::HWY_NAMESPACE

#endif
