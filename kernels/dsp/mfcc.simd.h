// Vector code of mfcc.cpp; compiled once for each path (kernels/device/each_path.h).
#include <array>

#include "kernels/device/simd.h"
#include "kernels/dsp/mfcc.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

// `Rows` coefficients at once keep as many sums in registers for each vector of inputs loaded.
template <Index Rows>
void dct_rows(const float* basis, Index inputs, const float* in, float* out) {
  const Floats d;
  for (Index lane = 0; lane < lanes; lane += width) {
    std::array<Vec, Rows> sum;
    sum.fill(hn::Zero(d));
    for (Index i = 0; i < inputs; ++i) {
      const auto x = hn::Load(d, in + i * lanes + lane);
      for (Index k = 0; k < Rows; ++k) {
        auto& s = sum[static_cast<std::size_t>(k)];
        s = hn::MulAdd(hn::Set(d, basis[k * inputs + i]), x, s);
      }
    }
    for (Index k = 0; k < Rows; ++k) {
      hn::Store(sum[static_cast<std::size_t>(k)], d, out + k * lanes + lane);
    }
  }
}

void dct_tile(const DctBasis& basis, const float* in, float* out) {
  const Index inputs = basis.inputs();
  Index k = 0;
  for (; k + 8 <= basis.coefficients(); k += 8) {
    dct_rows<8>(basis.data() + k * inputs, inputs, in, out + k * lanes);
  }
  for (; k < basis.coefficients(); ++k) {
    dct_rows<1>(basis.data() + k * inputs, inputs, in, out + k * lanes);
  }
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
