#include "kernels/nn/columns.h"

#include <algorithm>

namespace serenade::cpu {

void column_sums(Context& context, const float* x, Index rows, Index columns, float* sums) {
  constexpr Index block = 64;
  const Index blocks = (rows + block - 1) / block;
  float* partial = context.scratch(blocks * columns).data();
  context.parallel(blocks, [&](Index b) {
    float* __restrict sum = partial + b * columns;
    std::fill_n(sum, columns, 0.0F);
    for (Index r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const float* __restrict row = x + r * columns;
      for (Index c = 0; c < columns; ++c) sum[c] += row[c];
    }
  });
  for (Index c = 0; c < columns; ++c) {
    double total = 0;
    for (Index b = 0; b < blocks; ++b) total += double{partial[b * columns + c]};
    sums[c] = static_cast<float>(total);
  }
}

}  // namespace serenade::cpu
