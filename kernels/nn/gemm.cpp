#include "kernels/nn/gemm.h"

#include <algorithm>
#include <cstring>

#define HWY_TARGET_INCLUDE "kernels/nn/gemm.simd.h"
#include "kernels/device/each_path.h"

namespace serenade::cpu::gemm {

void pack(const Strided& b, Index depth, Index columns, Index panel, float* out) {
  const Index first = panel * panel_width;
  const Index width = std::min(panel_width, columns - first);
  const float* from = b.data + first * b.column_stride;
  for (Index k = 0; k < depth; ++k, from += b.row_stride, out += panel_width) {
    if (b.column_stride == 1 && width == panel_width) {
      std::memcpy(out, from, sizeof(float) * panel_width);  // two vectors; copy_n calls memmove
      continue;
    }
    for (Index i = 0; i < width; ++i) out[i] = from[i * b.column_stride];
    std::fill(out + width, out + panel_width, 0.0F);
  }
}

void multiply(const Strided& a, Index rows, Index depth, const Panels& b, Index columns,
              Start start, float* c, Index c_stride) {
  ON_VECTOR_PATH(multiply)(a, rows, depth, b, columns, start, c, c_stride);
}

}  // namespace serenade::cpu::gemm
