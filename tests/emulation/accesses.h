#pragma once

#include <cstddef>
#include <cstdint>

/// Rung 3: every access of a kernel to device and shared memory, where kernels are compiled with
/// -fsanitize=thread and call the functions that accesses.cpp defines. Found are two threads at one
/// address without a barrier between them, reads of what nobody has written, and accesses outside
/// of every buffer. Elsewhere these do nothing.
namespace emulation {

/// Addresses that the device's memory and, at its beginning, a block's shared memory take up.
inline constexpr std::size_t device_range = std::size_t{1} << 40U;
inline constexpr std::size_t shared_range = std::size_t{1} << 20U;

void watch_allocation(const void* first, std::size_t bytes);
void watch_release(const void* first, std::size_t bytes);
/// A copy or a library has written there.
void watch_written(const void* first, std::size_t bytes);
/// Whether all of it was written; true where nothing is watched.
bool was_written(const void* first, std::size_t bytes);
/// The running thread reads and writes these at once, so that others may too.
void watch_atomic(const void* address, std::size_t bytes);

/// Whether this build watches accesses.
bool watches();

}  // namespace emulation
