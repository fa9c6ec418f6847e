#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

/// The emulated GPU's streams. What is enqueued runs as late as CUDA permits: when the host waits
/// for it, or when something that must come later does. Between streams the order is chance.
namespace emulation {

/// `function` is the kernel's address, by which its attributes are known.
cudaError_t launch(const cudaLaunchConfig_t& config, std::string_view kernel, const void* function,
                   std::function<void()> thread);
/// What a library does on a stream.
cudaError_t enqueue(cudaStream_t stream, std::function<void()> work);
/// What may wait for the whole GPU, a library that begins or the like: not while the calling thread
/// captures, which is a fault, and it ends the captures of other threads.
cudaError_t may_wait_for_all(std::string_view what);
/// What was asked of a GPU by threads that had chosen it: memory, streams, events, work.
int uses_of_device(int number);
/// What went on since the last call: bytes that the host sent, and how often it waited for a
/// stream.
struct Traffic {
  std::size_t sent = 0;
  int waits = 0;
};
Traffic take_traffic();
/// How the order between streams is drawn.
void use_stream_seed(std::uint64_t seed);

}  // namespace emulation
