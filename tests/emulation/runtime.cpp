// The functions of the runtime that the project uses, as the toolkit's header declares them.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/queues.h"
#include "tests/emulation/streams.h"
#include "tests/emulation/target.h"

namespace emulation {
namespace {

bool is_pinned(const void* first, std::size_t bytes) {
  const auto* at = static_cast<const std::byte*>(first);
  auto found = device().pinned.upper_bound(const_cast<std::byte*>(at));
  if (found == device().pinned.begin()) return false;
  --found;
  return at + bytes <= found->first + found->second;
}

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                 cudaStream_t stream) {
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if ((to_device && !is_device_memory(to, bytes)) ||
      (from_device && !is_device_memory(from, bytes)) || is_device_address(to) != to_device ||
      is_device_address(from) != from_device) {
    fault("a copy of " + std::to_string(bytes) +
          " bytes does not lie within one buffer, or its direction is wrong");
    return cudaErrorInvalidValue;
  }
  const auto move = [=](const void* source) {
    if (from_device && !was_written(source, bytes)) {
      fault("a copy of " + std::to_string(bytes) + " bytes reads what nobody has written");
    }
    std::memcpy(to, source, bytes);
    if (to_device) watch_written(to, bytes);
  };
  if (kind != cudaMemcpyDeviceToDevice && forbidden_while_capturing("a copy from or to the host")) {
    return cudaErrorStreamCaptureUnsupported;
  }
  if (!from_device) device().traffic.sent += bytes;
  if (!from_device && !is_pinned(from, bytes)) {
    // Pageable memory is staged before the call returns.
    const auto* first = static_cast<const std::byte*>(from);
    auto staged = std::make_shared<std::vector<std::byte>>(first, first + bytes);
    return enqueue(stream, [=] { move(staged->data()); });
  }
  const void* on_host = from_device ? to : from;
  const auto* pinned = to_device == from_device ? nullptr : static_cast<const std::byte*>(on_host);
  const cudaError_t result = put(stream, {[=] { move(from); }, nullptr, 0, pinned});
  if (result != cudaSuccess || to_device || is_pinned(to, bytes)) return result;
  // To pageable memory it is as good as synchronous.
  return run_until([&] { return find(stream)->queue.empty(); });
}

}  // namespace
}  // namespace emulation

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)

using emulation::device;
using emulation::Lock;

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = emulation::machine().devices;
  return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int number) {
  if (number < 0 || number >= emulation::machine().devices) return cudaErrorInvalidDevice;
  emulation::chosen_device = number;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int number) {
  if (number >= emulation::machine().devices) return cudaErrorInvalidDevice;
  const emulation::Target& target = emulation::target();
  *properties = cudaDeviceProp{};
  std::strcpy(properties->name, "Emulated GPU");
  properties->totalGlobalMem = target.memory;
  const bool old = number < emulation::machine().old_devices;
  properties->major = old ? 7 : target.major;
  properties->minor = old ? 5 : target.minor;
  properties->multiProcessorCount = target.multiprocessors;
  properties->sharedMemPerBlock = target.shared_static;
  properties->sharedMemPerBlockOptin = target.shared_optin;
  properties->warpSize = emulation::warp_size;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = emulation::machine().driver_version;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const Lock lock(device().mutex);
  *total = emulation::target().memory;
  *free = *total - emulation::bytes_in_use();
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const Lock lock(device().mutex);
  return emulation::state();
}
const char* cudaGetErrorString(cudaError_t error) {
  const Lock lock(device().mutex);
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorLaunchFailure:
      return device().message.c_str();
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient";
    default:
      return "an error of the emulated GPU";
  }
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  const Lock lock(device().mutex);
  if (const auto refused = emulation::may_wait_for_all("cudaMalloc")) return refused;
  emulation::count_use();
  *memory = emulation::allocate(bytes);
  return *memory == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  const Lock lock(device().mutex);
  if (memory == nullptr) return cudaSuccess;
  if (const auto refused = emulation::may_wait_for_all("cudaFree")) return refused;
  if (!emulation::all_is_done()) emulation::count_early_free();
  const cudaError_t result = emulation::run_all();
  if (!emulation::release(memory)) {
    emulation::fault("cudaFree: of something that is not a buffer, or not any more");
    return cudaErrorInvalidValue;
  }
  return result;
}
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  const Lock lock(device().mutex);
  if (const auto refused = emulation::may_wait_for_all("cudaMallocHost")) return refused;
  emulation::count_use();
  *memory = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xFF, bytes);
  device().pinned[static_cast<std::byte*>(*memory)] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  const Lock lock(device().mutex);
  if (memory == nullptr) return cudaSuccess;
  if (const auto refused = emulation::may_wait_for_all("cudaFreeHost")) return refused;
  const auto found = device().pinned.find(static_cast<std::byte*>(memory));
  if (found == device().pinned.end()) return cudaErrorInvalidValue;
  // CUDA does not promise to wait.
  const auto in_use = [&](const emulation::Work& work) {
    return work.pinned != nullptr && work.pinned >= found->first &&
           work.pinned < found->first + found->second;
  };
  for (const auto& [handle, stream] : device().streams) {
    if (std::none_of(stream->queue.begin(), stream->queue.end(), in_use)) continue;
    emulation::fault("cudaFreeHost: of pinned memory that a copy is still to read or write");
  }
  const cudaError_t result = emulation::run_all();
  device().pinned.erase(found);
  std::free(memory);
  return result;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(device().mutex);
  return emulation::copy(to, from, bytes, kind, stream);
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (!emulation::is_device_memory(memory, bytes)) {
    emulation::fault("cudaMemsetAsync: does not lie within one buffer");
    return cudaErrorInvalidValue;
  }
  return emulation::enqueue(stream, [=] {
    std::memset(memory, value, bytes);
    emulation::watch_written(memory, bytes);
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const Lock lock(device().mutex);
  *stream = emulation::new_handle<cudaStream_t>();
  device().streams[*stream] = std::make_unique<emulation::Stream>();
  device().streams[*stream]->device = emulation::chosen_device;
  emulation::count_use();
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (emulation::find(stream) == nullptr) return cudaErrorInvalidResourceHandle;
  // CUDA lets the work that is left be done.
  const cudaError_t result =
      emulation::run_until([&] { return emulation::find(stream)->queue.empty(); });
  device().streams.erase(stream);
  return result;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Lock lock(device().mutex);
  if (emulation::find(stream) == nullptr) return cudaErrorInvalidResourceHandle;
  if (emulation::forbidden_while_capturing("cudaStreamSynchronize")) {
    return cudaErrorStreamCaptureUnsupported;
  }
  ++device().traffic.waits;
  return emulation::run_until([&] { return emulation::find(stream)->queue.empty(); });
}
cudaError_t cudaDeviceSynchronize() {
  const Lock lock(device().mutex);
  if (const auto refused = emulation::may_wait_for_all("cudaDeviceSynchronize")) return refused;
  return emulation::run_all();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const Lock lock(device().mutex);
  *event = emulation::new_handle<cudaEvent_t>();
  device().events[*event] = std::make_shared<emulation::Event>();
  emulation::count_use();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(device().mutex);
  return device().events.erase(event) == 1 ? cudaSuccess : cudaErrorInvalidResourceHandle;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(device().mutex);
  const auto found = device().events.find(event);
  if (found == device().events.end()) return cudaErrorInvalidResourceHandle;
  if (emulation::forbidden_while_capturing("cudaEventRecord")) {
    return cudaErrorStreamCaptureUnsupported;
  }
  const std::uint64_t record = ++found->second->recorded;
  return emulation::enqueue(stream, [state = found->second, record] {
    state->reached = std::max(state->reached, record);
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Lock lock(device().mutex);
  const auto found = device().events.find(event);
  emulation::Stream* waiting = emulation::find(stream);
  if (found == device().events.end() || waiting == nullptr) return cudaErrorInvalidResourceHandle;
  if (emulation::forbidden_while_capturing("cudaStreamWaitEvent")) {
    return cudaErrorStreamCaptureUnsupported;
  }
  waiting->queue.push_back({nullptr, found->second, found->second->recorded});
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(device().mutex);
  const auto found = device().events.find(event);
  if (found == device().events.end()) return cudaErrorInvalidResourceHandle;
  const std::shared_ptr<emulation::Event> state = found->second;
  return emulation::run_until([&] { return state->reached >= state->recorded; });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const Lock lock(device().mutex);
  emulation::Stream* stream = emulation::find(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  // The only mode that the project uses.
  if (mode != cudaStreamCaptureModeThreadLocal || stream->capture) return cudaErrorInvalidValue;
  stream->capture = std::make_shared<emulation::Captured>();
  stream->capturing = std::this_thread::get_id();
  emulation::Machine& machine = emulation::machine();
  stream->doomed = machine.spoilt_captures > 0;
  stream->works_left = machine.works_before;
  if (stream->doomed) --machine.spoilt_captures;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Lock lock(device().mutex);
  *graph = nullptr;
  emulation::Stream* stream = emulation::find(handle);
  if (stream == nullptr || !stream->capture) return cudaErrorInvalidValue;
  const auto captured = std::exchange(stream->capture, nullptr);
  const bool spoilt = std::exchange(stream->spoilt, false) || stream->doomed;
  stream->doomed = false;
  if (const cudaError_t result = emulation::state(); result != cudaSuccess) return result;
  if (spoilt) return cudaErrorStreamCaptureInvalidated;
  *graph = emulation::new_handle<cudaGraph_t>();
  device().graphs[*graph] = captured;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long) {
  const Lock lock(device().mutex);
  const auto found = device().graphs.find(graph);
  if (found == device().graphs.end()) return cudaErrorInvalidValue;
  *executable = emulation::new_handle<cudaGraphExec_t>();
  device().executables[*executable] = found->second;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Lock lock(device().mutex);
  const auto found = device().executables.find(executable);
  if (found == device().executables.end()) return cudaErrorInvalidValue;
  return emulation::enqueue(stream, [captured = found->second] {
    for (const auto& work : *captured) work();
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Lock lock(device().mutex);
  return device().graphs.erase(graph) == 1 ? cudaSuccess : cudaErrorInvalidValue;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Lock lock(device().mutex);
  return device().executables.erase(executable) == 1 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(device().mutex);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<std::size_t>(value) > emulation::target().shared_optin) {
    return cudaErrorInvalidValue;
  }
  device().asked_shared[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
