// Vector code of tonnetz.cpp; compiled once for each path (kernels/device/each_path.h).
#include <limits>

#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// centroid [rows, lanes] = projection [rows, n_chroma] x chroma `in` [n_chroma, lanes], each lane
/// of which is first divided by its sum of absolute values where that is a normal number.
void tonnetz_tile(const float* projection, Index rows, Index n_chroma, const float* in,
                  float* centroid) {
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    Vec sum = hn::Zero(d);
    for (Index c = 0; c < n_chroma; ++c) {
      sum = hn::Add(sum, hn::Abs(hn::Load(d, in + c * lanes + lane)));
    }
    const auto tiny = hn::Lt(sum, hn::Set(d, std::numeric_limits<float>::min()));
    const Vec divisor = hn::IfThenElse(tiny, hn::Set(d, 1.0F), sum);
    for (Index row = 0; row < rows; ++row) {
      Vec total = hn::Zero(d);
      for (Index c = 0; c < n_chroma; ++c) {
        const Vec share = hn::Div(hn::Load(d, in + c * lanes + lane), divisor);
        const Vec weight = hn::Set(d, projection[row * n_chroma + c]);
        total = hn::MulAdd(weight, share, total);
      }
      hn::Store(total, d, centroid + row * lanes + lane);
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
