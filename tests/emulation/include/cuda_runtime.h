#pragma once

/// Stands in for the toolkit's header of this name where kernels are compiled for the emulated GPU:
/// the toolkit's types and functions, and the words that kernels are written in. What is not here,
/// kernels of this project do not use.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <utility>

#include "kernels/device/launch_name.h"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/streams.h"

// CUDA's names, as kernels write them.
// NOLINTBEGIN(readability-identifier-naming,bugprone-reserved-identifier,bugprone-macro-parentheses)
inline const emulation::Coordinates& threadIdx = emulation::thread_index;
inline const emulation::Coordinates& blockIdx = emulation::block_index;
inline const emulation::Coordinates& blockDim = emulation::block_extent;
inline const emulation::Coordinates& gridDim = emulation::grid_extent;
inline constexpr int warpSize = emulation::warp_size;

#undef __launch_bounds__
#define __launch_bounds__(...)

/// NAME is T[SIZE] in the block's static shared memory.
#define SERENADE_SHARED(T, NAME, SIZE)   \
  static const char NAME##_key = 0;      \
  auto& NAME = *static_cast<T(*)[SIZE]>( \
      emulation::static_shared(&NAME##_key, sizeof(T) * (SIZE), alignof(T)))
/// NAME is a T* to the block's dynamic shared memory.
#define SERENADE_DYNAMIC_SHARED(T, NAME) T* NAME = static_cast<T*>(emulation::dynamic_shared())

/// Each place in the source is a site of its own.
#define SERENADE_SITE                       \
  [] {                                      \
    static const char site = 0;             \
    return static_cast<const void*>(&site); \
  }()

#define __syncthreads() emulation::synchronize_block(SERENADE_SITE)
#define __syncwarp() static_cast<void>(emulation::exchange(0xFFFFFFFFU, 0, SERENADE_SITE, true))

namespace emulation {

template <class T>
std::uint64_t to_word(T value) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  return word;
}
template <class T>
T from_word(std::uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

/// The value of lane `from`, or one's own where that is none of the warp's.
template <class T>
T shuffle(std::uint32_t mask, T value, int from, const void* site) {
  const std::uint64_t* all = exchange(mask, to_word(value), site, false);
  return from >= 0 && from < warp_size && (mask >> from & 1U) != 0 ? from_word<T>(all[from])
                                                                   : value;
}

inline std::uint32_t ballot(std::uint32_t mask, bool predicate, const void* site) {
  const std::uint64_t* all = exchange(mask, predicate ? 1 : 0, site, false);
  std::uint32_t votes = 0;
  for (int i = 0; i < warp_size; ++i) {
    if ((mask >> i & 1U) != 0 && all[i] != 0) votes |= 1U << i;
  }
  return votes;
}

/// Not watched itself: it says what it does.
template <class T, class Change>
__attribute__((no_sanitize("thread"))) T atomic(T* at, const Change& change) {
  watch_atomic(at, sizeof(T));
  const T before = *at;
  *at = change(before);
  return before;
}

}  // namespace emulation

#define __shfl_sync(mask, value, from) emulation::shuffle(mask, value, from, SERENADE_SITE)
#define __shfl_down_sync(mask, value, by) \
  emulation::shuffle(mask, value, emulation::lane() + static_cast<int>(by), SERENADE_SITE)
#define __shfl_up_sync(mask, value, by) \
  emulation::shuffle(mask, value, emulation::lane() - static_cast<int>(by), SERENADE_SITE)
#define __shfl_xor_sync(mask, value, by) \
  emulation::shuffle(mask, value, emulation::lane() ^ static_cast<int>(by), SERENADE_SITE)
#define __ballot_sync(mask, predicate) emulation::ballot(mask, predicate, SERENADE_SITE)
#define __any_sync(mask, predicate) (emulation::ballot(mask, predicate, SERENADE_SITE) != 0)

// Integer atomics; float ones are not used, for their sums depend on the order.
inline int atomicAdd(int* at, int value) {
  return emulation::atomic(at, [=](int before) { return before + value; });
}
inline unsigned atomicAdd(unsigned* at, unsigned value) {
  return emulation::atomic(at, [=](unsigned before) { return before + value; });
}
inline int atomicMax(int* at, int value) {
  return emulation::atomic(at, [=](int before) { return before > value ? before : value; });
}
inline int atomicMin(int* at, int value) {
  return emulation::atomic(at, [=](int before) { return before < value ? before : value; });
}
inline unsigned atomicMax(unsigned* at, unsigned value) {
  return emulation::atomic(at, [=](unsigned before) { return before > value ? before : value; });
}

using std::max;
using std::min;
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline float __int_as_float(int value) { return std::bit_cast<float>(value); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __uint_as_float(unsigned value) { return std::bit_cast<float>(value); }
inline int __popc(unsigned value) { return std::popcount(value); }
inline int __clz(int value) { return std::countl_zero(static_cast<unsigned>(value)); }
inline int __ffs(int value) {
  return value == 0 ? 0 : std::countr_zero(static_cast<unsigned>(value)) + 1;
}

/// As the toolkit's.
template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute,
                                 int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}

/// As the toolkit's: enqueues the kernel with these arguments, converted to its parameters.
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  return [&](Parameters... converted) {
    return emulation::launch(*config, serenade::cuda::launch_name,
                             reinterpret_cast<const void*>(kernel), [=] { kernel(converted...); });
  }(std::forward<Arguments>(arguments)...);
}
// NOLINTEND(readability-identifier-naming,bugprone-reserved-identifier,bugprone-macro-parentheses)
