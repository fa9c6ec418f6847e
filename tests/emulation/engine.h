#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// The emulated GPU: runs kernels, one block at a time, on the calling thread. Each GPU thread is a
/// fiber, which gives up the processor at barriers and warp collectives and nowhere else.
namespace emulation {

inline constexpr int warp_size = 32;

/// Where a thread stands, in CUDA's names.
struct Coordinates {
  unsigned x = 0, y = 0, z = 0;
};

struct Launch {
  std::string kernel;
  Coordinates grid{1, 1, 1};
  Coordinates block{1, 1, 1};
  std::size_t dynamic_shared = 0;
  /// What cudaFuncSetAttribute has raised the kernel's dynamic shared memory to, in bytes.
  std::size_t asked_shared = 0;
};

/// In which order the threads of a block, and the blocks of a launch, get their turns. A kernel
/// with all its barriers gives the same result in each; one that lacks a barrier rarely does.
enum class Order { forward, reverse, random };
void use_order(Order order, std::uint64_t seed = 1);

/// Of every launch's blocks only the last `count` run, or all of them (0): what lies far within
/// buffers too large to be filled is computed without what lies before it.
void use_last_blocks(std::uint64_t count);

/// Runs `thread` for every thread of every block. What goes wrong is kept for take_faults(); a
/// block that cannot go on (threads that wait for each other) is given up.
void run(const Launch& launch, const std::function<void()>& thread);

/// Notes that something is wrong: "mel_kernel: block 3, thread 17: race on ...". The first few are
/// kept. Never throws: also called where nothing may.
void fault(std::string_view what);
/// All that was noted since the last call, a line each; empty where all is well.
std::string take_faults();
/// The same, kept.
std::string faults();

// What kernels call, through the words of include/cuda_runtime.h.

extern Coordinates thread_index, block_index, block_extent, grid_extent;

/// __syncthreads. `site` tells one barrier of the source from another.
void synchronize_block(const void* site);
/// __syncwarp and the like: returns when all lanes in `mask` have arrived. Gives every lane's
/// `value`, lane by lane, good until the lane's next collective.
const std::uint64_t* exchange(std::uint32_t mask, std::uint64_t value, const void* site,
                              bool orders_memory);
/// Lane of the calling thread in its warp.
int lane();
/// `bytes` of the block's shared memory that belong to `key`, the same for all threads of a block,
/// poisoned when the block begins.
void* static_shared(const void* key, std::size_t bytes, std::size_t alignment);
void* dynamic_shared();

/// The running thread, for those who watch its accesses: numbers of the launch, block and thread,
/// and how many barriers it has passed. launch is 0 while no kernel runs.
struct Running {
  std::uint32_t launch = 0;
  std::uint32_t block = 0;
  std::uint32_t thread = 0;
  std::uint32_t block_barriers = 0;
  std::uint32_t warp_barriers = 0;
};
const Running& running();
/// "mel_kernel: block 3, thread 17"
std::string where();

}  // namespace emulation
