// Vector code of resample.cpp; compiled once for each path (kernels/device/each_path.h).
#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// `outputs` outputs in two vectors of periods, a and b, so that a weight is loaded once for both:
/// rows of x are `lanes` apart, those of weights eight. Added from both ends to the middle.
template <int outputs>
void sum_outputs(const float* weights, const float* a, const float* b, Index rows, float* out_a,
                 float* out_b) {
  const Floats d;
  Vec sums_a[outputs], sums_b[outputs];
#pragma GCC unroll 8
  for (int i = 0; i < outputs; ++i) sums_a[i] = sums_b[i] = hn::Zero(d);
  const auto add = [&](Index row) HWY_ATTR {
    const float* weight = weights + row * 8;
    const Vec value_a = hn::Load(d, a + row * lanes);
    const Vec value_b = hn::Load(d, b + row * lanes);
#pragma GCC unroll 8
    for (int i = 0; i < outputs; ++i) {
      const Vec each = hn::Set(d, weight[i]);
      sums_a[i] = hn::MulAdd(each, value_a, sums_a[i]);
      sums_b[i] = hn::MulAdd(each, value_b, sums_b[i]);
    }
  };
  for (Index row = 0; row < rows / 2; ++row) {
    add(row);
    add(rows - 1 - row);
  }
  if (rows % 2 == 1) add(rows / 2);
#pragma GCC unroll 8
  for (int i = 0; i < outputs; ++i) {
    hn::Store(sums_a[i], d, out_a + i * lanes);
    hn::Store(sums_b[i], d, out_b + i * lanes);
  }
}

/// Eight outputs of two blocks of `lanes` periods: out_a [8, lanes] = weights [rows, 8] transposed
/// times a [rows, lanes], and b alike.
void resample_eight(const float* weights, const float* a, const float* b, Index rows, float* out_a,
                    float* out_b) {
  if constexpr (width == lanes) {
    sum_outputs<8>(weights, a, b, rows, out_a, out_b);
  } else {
    // With half as many registers: two vectors of one block, four outputs at a time.
    constexpr Index pair = lanes > width ? 2 * width : width;
    for (const auto& [x, out] : {std::pair(a, out_a), std::pair(b, out_b)}) {
      for (Index lane = 0; lane < lanes; lane += pair) {
        for (int first = 0; first < 8; first += 4) {
          sum_outputs<4>(weights + first, x + lane, x + lane + width, rows,
                         out + first * lanes + lane, out + first * lanes + lane + width);
        }
      }
      if (a == b) break;
    }
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
