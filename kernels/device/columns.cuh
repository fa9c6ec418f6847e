#pragma once

#include "kernels/device/warp.cuh"

/// Row-major matrices on the GPU: where a thread's number lies, and sums over rows that keep the
/// order of their terms.
namespace serenade::cuda {

struct Place {
  Index row;
  Index column;
};

/// Number i of a matrix of so many columns. Divided in 32 bits where these do: in 64 a division
/// takes about a hundred instructions, more than a thread's loads.
__device__ inline Place place_of(Index i, Index columns) {
  constexpr Index most = 0xFFFFFFFF;
  if (i <= most && columns <= most) {
    const auto at = static_cast<unsigned>(i);
    const auto width = static_cast<unsigned>(columns);
    const unsigned row = at / width;
    return {row, at - row * width};
  }
  const Index row = i / columns;
  return {row, i - row * columns};
}

/// What a block of `column_blocks` has: one of several matrices [rows, columns] and of it 32
/// neighbouring columns, side by side in every warp, so that a warp's loads lie together; its warps
/// take turns at the rows. (A block for each column would load every number of a row from far
/// apart.)
struct ColumnBlock {
  Index item;
  Index column;
  bool exists;  // lanes beyond the last column only keep the others company
  int warp;
  int warps;
};

inline Extent1d column_blocks(const Session& session, Index items, Index columns) {
  return {items * ((columns + warp_size - 1) / warp_size), session.block_size(most_threads), 0};
}

__device__ inline ColumnBlock column_block(Index columns) {
  const Place at = place_of(blockIdx.x, (columns + warp_size - 1) / warp_size);
  const Index column = at.column * warp_size + lane_index();
  return {at.row, column, column < columns, static_cast<int>(threadIdx.x) / warp_size,
          static_cast<int>(blockDim.x) / warp_size};
}

inline constexpr int most_warps = most_threads / warp_size;

/// The sum of all warps' values of a column, in the order of warps; the same for every warp. All
/// threads of the block must call.
template <class T>
__device__ T sum_of_warps(const ColumnBlock& at, T (&shared)[most_warps * warp_size], T value) {
  const int lane = lane_index();
  __syncthreads();  // the last use of `shared` is over
  shared[at.warp * warp_size + lane] = value;
  __syncthreads();
  T all = shared[lane];
  for (int warp = 1; warp < at.warps; ++warp) all += shared[warp * warp_size + lane];
  return all;
}

/// The sum of all threads' values, in one order: for thread 0. All threads of the block must call.
template <class T>
__device__ T sum_of_block(T (&shared)[most_warps], T value) {
  value = warp_sum(value);
  __syncthreads();
  if (lane_index() == 0) shared[threadIdx.x / warp_size] = value;
  __syncthreads();
  if (threadIdx.x != 0) return value;
  T all = shared[0];
  for (unsigned warp = 1; warp < blockDim.x / warp_size; ++warp) all += shared[warp];
  return all;
}

}  // namespace serenade::cuda
