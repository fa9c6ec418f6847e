#pragma once

#include "kernels/device/context.h"

namespace serenade::cpu {

/// sums [columns] = sum over the rows of x [rows, columns]: float32 within 64 rows, the blocks
/// added in order in float64. Uses the context's scratch.
void column_sums(Context& context, const float* x, Index rows, Index columns, float* sums);

}  // namespace serenade::cpu

namespace serenade::cuda {

/// The same, bit for bit, of device memory. Uses the session's scratch 1.
void column_sums(Session&, const float* x, Index rows, Index columns, float* sums);

}  // namespace serenade::cuda
