// Vector code of resample.cpp; compiled once for each path (kernels/device/each_path.h).
#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// Eight outputs of `lanes` periods: out [8, lanes] = weights [rows, 8] transposed times
/// x [rows, lanes], added from the first row to the last.
void resample_eight(const float* weights, const float* x, Index rows, float* out) {
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    Vec sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    Vec sum4 = sum0, sum5 = sum0, sum6 = sum0, sum7 = sum0;
    const auto add = [&](Index row) HWY_ATTR {
      const float* weight = weights + row * 8;
      const Vec value = hn::Load(d, x + row * lanes + lane);
      sum0 = hn::MulAdd(hn::Set(d, weight[0]), value, sum0);
      sum1 = hn::MulAdd(hn::Set(d, weight[1]), value, sum1);
      sum2 = hn::MulAdd(hn::Set(d, weight[2]), value, sum2);
      sum3 = hn::MulAdd(hn::Set(d, weight[3]), value, sum3);
      sum4 = hn::MulAdd(hn::Set(d, weight[4]), value, sum4);
      sum5 = hn::MulAdd(hn::Set(d, weight[5]), value, sum5);
      sum6 = hn::MulAdd(hn::Set(d, weight[6]), value, sum6);
      sum7 = hn::MulAdd(hn::Set(d, weight[7]), value, sum7);
    };
    for (Index row = 0; row < rows / 2; ++row) {
      add(row);
      add(rows - 1 - row);
    }
    if (rows % 2 == 1) add(rows / 2);
    float* to = out + lane;
    hn::Store(sum0, d, to);
    hn::Store(sum1, d, to + lanes);
    hn::Store(sum2, d, to + 2 * lanes);
    hn::Store(sum3, d, to + 3 * lanes);
    hn::Store(sum4, d, to + 4 * lanes);
    hn::Store(sum5, d, to + 5 * lanes);
    hn::Store(sum6, d, to + 6 * lanes);
    hn::Store(sum7, d, to + 7 * lanes);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
