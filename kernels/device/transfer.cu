#include "kernels/device/transfer.h"

#include <cuda_runtime_api.h>

#include "kernels/device/exclusive.h"
#include "kernels/device/session.h"

namespace serenade::cuda {

void choose_device(const Session& session) {
  check(cudaSetDevice(session.device()), "choosing the GPU");
}

void* allocate_pinned(std::size_t bytes) noexcept {
  const std::lock_guard alone(whole_device());
  void* memory = nullptr;
  if (cudaMallocHost(&memory, bytes) == cudaSuccess) return memory;
  cudaGetLastError();  // takes the failure back: smaller pieces may follow
  return nullptr;
}

void deallocate_pinned(void* memory) noexcept {
  const std::lock_guard alone(whole_device());
  cudaFreeHost(memory);
}

void enqueue_copy(Session& session, void* to, const void* from, std::size_t bytes, bool to_device) {
  check(
      cudaMemcpyAsync(to, from, bytes, to_device ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost,
                      session.stream()),
      "copying");
}

void* make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  return event;
}

void destroy_event(void* event) noexcept { cudaEventDestroy(static_cast<cudaEvent_t>(event)); }

void record_event(Session& session, void* event) {
  check(cudaEventRecord(static_cast<cudaEvent_t>(event), session.stream()), "recording an event");
}

void wait_for_event(void* event) {
  check(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "the GPU");
}

}  // namespace serenade::cuda
