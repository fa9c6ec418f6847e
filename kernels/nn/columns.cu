#include "kernels/nn/columns.h"

#include "kernels/device/launch.cuh"

// float64 on purpose, as the CPU twin: blocks of rows are added up in float64, rounded once.
namespace serenade::cuda {
namespace {

constexpr Index row_block = 64;

/// One thread a column of a block of 64 rows, neighbouring columns side by side: 4 bytes read and
/// 1 flop a number. So many columns as there are blocks run at once; a thread a column alone would
/// leave most of the GPU idle. Blocks do not depend on the launch: nor does the order of the sums.
__global__ __launch_bounds__(most_threads) void block_sums_kernel(const float* x, Index rows,
                                                                  Index columns, Index size,
                                                                  float* partial) {
  const Index i = global_index();
  if (i >= size) return;
  const Index block = i / columns;
  const Index column = i - block * columns;
  const Index begin = block * row_block;
  const Index end = begin + row_block < rows ? begin + row_block : rows;
  float sum = 0;
#pragma unroll 8  // loads do not wait for each other; sums keep their order
  for (Index row = begin; row < end; ++row) sum += x[row * columns + column];
  partial[i] = sum;
}

/// One thread a column: 4 bytes read and 1 flop in float64 for each block of rows.
__global__ __launch_bounds__(most_threads) void add_blocks_kernel(const float* partial,
                                                                  Index blocks, Index columns,
                                                                  float* sums) {
  const Index column = global_index();
  if (column >= columns) return;
  double total = 0;
  for (Index block = 0; block < blocks; ++block) {
    total += static_cast<double>(partial[block * columns + column]);
  }
  sums[column] = static_cast<float>(total);
}

}  // namespace

void column_sums(Session& session, const float* x, Index rows, Index columns, float* sums) {
  const Index blocks = (rows + row_block - 1) / row_block;
  const Index size = blocks * columns;
  auto* partial = session.scratch<float>(1, size);
  launch<block_sums_kernel>(session, one_thread_each(session, size), x, rows, columns, size,
                            partial);
  launch<add_blocks_kernel>(session, one_thread_each(session, columns), partial, blocks, columns,
                            sums);
}

}  // namespace serenade::cuda
