#pragma once

// -march=haswell does not imply AES in GCC, and without AES Highway would quietly fall back to
// SSSE3: four lanes and no fused multiply-add. Nothing here uses AES.
#define HWY_DISABLE_PCLMUL_AES
#include <hwy/highway.h>

#include "kernels/device/tensor.h"

/// The one way vectors are written here: Highway, through this header.
///
/// CPU twins work on tiles of `lanes` neighbouring frames (or rows): lane i is frame i and never
/// meets another lane, so a frame's bits do not depend on its neighbours, on its place in a tile,
/// or on how many registers a tile needs on this machine. A tile is always `lanes` wide, whatever
/// the width of a vector; loops over a tile step by `width()`.
namespace serenade::simd {

namespace hn = hwy::HWY_NAMESPACE;

#if defined(__x86_64__)
static_assert(HWY_STATIC_TARGET <= HWY_AVX2, "Highway's target lacks fused multiply-add");
#endif

inline constexpr Index lanes = 16;

using Floats = hn::CappedTag<float, lanes>;
using Vec = hn::Vec<Floats>;
/// float64 for what must not round on the way; a register holds half as many lanes.
using Doubles = hn::CappedTag<double, lanes>;

/// Lanes in one vector register here; divides `lanes`.
HWY_INLINE Index width() { return static_cast<Index>(hn::Lanes(Floats())); }

}  // namespace serenade::simd
