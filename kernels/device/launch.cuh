#pragma once

#include <cuda_runtime.h>

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "kernels/device/context.h"
#include "kernels/device/launch_name.h"
#include "kernels/device/session.h"

/// What kernels are written with. The words that they may use are those of tests/emulation's
/// cuda_runtime.h: barriers, shuffles, votes, integer atomics and plain C++.
#ifdef __CUDACC__
/// NAME is T[SIZE] in the block's static shared memory.
#define SERENADE_SHARED(T, NAME, SIZE) __shared__ T NAME[SIZE]
/// NAME is a T* to the block's dynamic shared memory.
#define SERENADE_DYNAMIC_SHARED(T, NAME)                          \
  extern __shared__ __align__(16) unsigned char dynamic_memory[]; \
  T* NAME = reinterpret_cast<T*>(dynamic_memory)
#endif

namespace serenade::cuda {

inline constexpr int warp_size = 32;
inline constexpr unsigned all_lanes = 0xFFFFFFFFU;
/// Most threads in a block of any kernel here; each says so to the compiler by __launch_bounds__.
inline constexpr int most_threads = 256;

/// Extent of a launch. Blocks are counted in one dimension.
struct Extent1d {
  Index blocks = 0;
  int threads = 0;
  std::size_t dynamic_shared = 0;
};

/// One thread for each of `size` elements.
inline Extent1d one_thread_each(const Session& session, Index size, int threads = most_threads) {
  const int block = session.block_size(threads);
  return {(size + block - 1) / block, block, 0};
}

namespace detail {
template <auto kernel>
constexpr std::string_view kernel_name() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("kernel = ") + 9);
  text = text.substr(0, text.find_first_of("];<"));
  const auto scope = text.rfind("::");
  return scope == std::string_view::npos ? text : text.substr(scope + 2);
}
}  // namespace detail

/// Enqueues `kernel` on the context's stream; nothing where there are no blocks. Throws DeviceError
/// naming the kernel, also for blocks of more threads than kernels are compiled for: with their
/// registers these would fit some GPUs and not others.
template <auto kernel, class... Arguments>
void launch(Session& session, const Extent1d& extent, Arguments&&... arguments) {
  if (extent.blocks == 0) return;
  launch_name = detail::kernel_name<kernel>();
  if (extent.blocks > std::numeric_limits<int>::max()) {
    throw DeviceError(std::string(launch_name) + ": the batch is too large for one launch");
  }
  if (extent.threads > most_threads) {
    throw DeviceError(std::string(launch_name) + ": launched with " +
                      std::to_string(extent.threads) + " threads in a block, but compiled for " +
                      std::to_string(most_threads));
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(extent.blocks));
  config.blockDim = dim3(static_cast<unsigned>(extent.threads));
  config.dynamicSmemBytes = extent.dynamic_shared;
  config.stream = session.stream();
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), launch_name);
}

/// The element that a thread works on, one thread each.
__device__ inline Index global_index() {
  return static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x;
}

/// The clip that holds `row`: offsets [clips + 1] ascend from 0, and row is less than the last.
__device__ inline int clip_of(const Index* offsets, int clips, Index row) {
  int low = 0;
  int high = clips;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (offsets[middle] <= row) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace serenade::cuda
