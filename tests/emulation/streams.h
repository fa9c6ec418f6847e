#pragma once

#include <cuda_runtime_api.h>

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
/// How the order between streams is drawn.
void use_stream_seed(std::uint64_t seed);

}  // namespace emulation
