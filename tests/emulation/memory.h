#pragma once

#include <cstddef>
#include <cstdint>

/// The emulated GPU's memory: one range of addresses that the host may not touch. What is allocated
/// is poisoned (floats are NaN) and fenced; what is freed is never given out again. Buffers of more
/// than 1 GiB are zeros instead, which take memory only where they are written.
namespace emulation {

inline constexpr std::size_t fence_bytes = 64;

/// Null when the device's memory is used up.
void* allocate(std::size_t bytes);
/// False for anything that allocate() did not give. Checks the fences.
bool release(void* memory);
std::size_t bytes_in_use();

/// What was asked of it since the last call: how often, and the most in use at a time.
struct MemoryUse {
  int allocations = 0;
  std::size_t most = 0;
  int refusals = 0;     ///< for want of memory
  int early_frees = 0;  ///< while work was still queued, for which CUDA waits
};
MemoryUse take_memory_use();
/// Memory is to be freed while work is queued.
void count_early_free();

/// Device memory [first, first + bytes) lies within one live allocation.
bool is_device_memory(const void* first, std::size_t bytes);
/// The first address of the range.
const void* device_base();
bool is_device_address(const void* address);

/// While one lives, device memory can be touched: by kernels, copies and libraries.
class Unlock {
 public:
  Unlock();
  ~Unlock();
  Unlock(const Unlock&) = delete;
  Unlock& operator=(const Unlock&) = delete;
};

/// Looks at the fences of all that is allocated; what lies there overwritten becomes a fault.
void check_fences();

// Shared memory of the block that runs: pieces of one small range, fenced like the rest.
void begin_shared_memory();
void end_shared_memory();
std::byte* shared_piece(std::size_t offset, std::size_t bytes);

}  // namespace emulation
