// Vector code of stft.cpp; compiled once for each path (kernels/device/each_path.h).
#include <cmath>

#include "kernels/device/simd.h"

HWY_BEFORE_NAMESPACE();
namespace serenade::simd::HWY_NAMESPACE {
namespace {

/// to[i] = sqrt(from[i])
void square_root(const float* from, Index size, float* to) {
  const Floats d;
  Index i = 0;
  for (; i + width <= size; i += width) hn::StoreU(hn::Sqrt(hn::LoadU(d, from + i)), d, to + i);
  for (; i < size; ++i) to[i] = std::sqrt(from[i]);  // correctly rounded, like the vector's
}

}  // namespace
}  // namespace serenade::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
