#pragma once

#include "kernels/device/launch.cuh"

/// What a warp's lanes find out together. All of them must call, none may have returned.
namespace serenade::cuda {

/// Of the calling thread in its warp.
__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % warp_size; }

/// All lanes' values folded in one order, which is the same for every lane, as is what comes out:
/// lane i with lane i xor 16, then 8, 4, 2, 1. `fold` must not mind which of two comes first.
template <class T, class Fold>
__device__ inline T fold_warp(T value, const Fold& fold) {
  for (int by = warp_size / 2; by > 0; by /= 2) {
    value = fold(value, __shfl_xor_sync(all_lanes, value, by));
  }
  return value;
}

template <class T>
__device__ inline T warp_sum(T value) {
  return fold_warp(value, [](T a, T b) { return a + b; });
}
__device__ inline float warp_max(float value) {
  return fold_warp(value, [](float a, float b) { return fmaxf(a, b); });
}
__device__ inline unsigned warp_max(unsigned value) {
  return fold_warp(value, [](unsigned a, unsigned b) { return a < b ? b : a; });
}

/// A float as an unsigned number that is ordered as floats are: for integer atomics, and to find a
/// float bit by bit.
__device__ inline unsigned ordered(float x) {
  const unsigned bits = __float_as_uint(x);
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
__device__ inline float unordered(unsigned key) {
  return __uint_as_float((key & 0x80000000U) != 0 ? key & 0x7FFFFFFFU : ~key);
}

}  // namespace serenade::cuda
