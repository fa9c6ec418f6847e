// Vector code of chroma.cpp; compiled once for each path (kernels/device/each_path.h).
#include <algorithm>
#include <limits>

#include "kernels/device/simd.h"
#include "kernels/dsp/chroma.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// chroma [block, lanes] += weights^T [block, bins] x power [bins, lanes]. Products of 64 bins are
/// added among themselves first: shorter sums lose less.
void add_products(const float* weights, Index bins, const float* power, float* chroma) {
  const Floats d;
  constexpr Index run = 64;
  constexpr Index block = ChromaBank::block;
  for (Index lane = 0; lane < lanes; lane += width) {
    for (Index begin = 0; begin < bins; begin += run) {
      Vec s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
      Vec s6 = s0, s7 = s0, s8 = s0, s9 = s0, s10 = s0, s11 = s0;
      for (Index bin = begin; bin < std::min(bins, begin + run); ++bin) {
        const Vec p = hn::Load(d, power + bin * lanes + lane);
        const float* w = weights + bin * block;
        s0 = hn::MulAdd(hn::Set(d, w[0]), p, s0);
        s1 = hn::MulAdd(hn::Set(d, w[1]), p, s1);
        s2 = hn::MulAdd(hn::Set(d, w[2]), p, s2);
        s3 = hn::MulAdd(hn::Set(d, w[3]), p, s3);
        s4 = hn::MulAdd(hn::Set(d, w[4]), p, s4);
        s5 = hn::MulAdd(hn::Set(d, w[5]), p, s5);
        s6 = hn::MulAdd(hn::Set(d, w[6]), p, s6);
        s7 = hn::MulAdd(hn::Set(d, w[7]), p, s7);
        s8 = hn::MulAdd(hn::Set(d, w[8]), p, s8);
        s9 = hn::MulAdd(hn::Set(d, w[9]), p, s9);
        s10 = hn::MulAdd(hn::Set(d, w[10]), p, s10);
        s11 = hn::MulAdd(hn::Set(d, w[11]), p, s11);
      }
      const auto add = [&](Index c, Vec s) HWY_ATTR {
        float* to = chroma + c * lanes + lane;
        hn::Store(hn::Add(hn::Load(d, to), s), d, to);
      };
      add(0, s0), add(1, s1), add(2, s2), add(3, s3), add(4, s4), add(5, s5);
      add(6, s6), add(7, s7), add(8, s8), add(9, s9), add(10, s10), add(11, s11);
    }
  }
}

/// Divides each lane by its maximum, where that is a normal number.
void divide_by_maximum(Index rows, float* tile) {
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    Vec maximum = hn::Zero(d);
    for (Index c = 0; c < rows; ++c) {
      maximum = hn::Max(maximum, hn::Load(d, tile + c * lanes + lane));
    }
    const auto tiny = hn::Lt(maximum, hn::Set(d, std::numeric_limits<float>::min()));
    const Vec divisor = hn::IfThenElse(tiny, hn::Set(d, 1.0F), maximum);
    for (Index c = 0; c < rows; ++c) {
      float* at = tile + c * lanes + lane;
      hn::Store(hn::Div(hn::Load(d, at), divisor), d, at);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
