#include "tests/emulation/streams.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "kernels/device/lent_again.h"
#include "kernels/device/session.h"
#include "tests/emulation/accesses.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/queues.h"
#include "tests/emulation/target.h"

namespace emulation {
namespace {

/// Runs the first piece of work of some stream that has one it can run; false where none has.
bool step() {
  std::vector<Stream*> able;
  for (const auto& [handle, stream] : device().streams) {
    if (!stream->queue.empty() && stream->queue.front().can_run()) able.push_back(stream.get());
  }
  if (able.empty()) return false;
  Stream& chosen = *able[device().chance() % able.size()];
  const Work work = std::move(chosen.queue.front());
  chosen.queue.pop_front();
  if (work.run) work.run();
  return true;
}

/// What a context lends once more is poisoned like what is new, when the work before it is done.
void poison(serenade::cuda::Session& session, void* memory, std::size_t bytes) {
  enqueue(session.stream(), [=] {
    std::memset(memory, 0xFF, bytes);
    watch_allocation(memory, bytes);
  });
}
[[maybe_unused]] const bool poisons = [] {
  serenade::cuda::lent_again = poison;
  return true;
}();

}  // namespace

Device& device() {
  static Device one;
  return one;
}

cudaError_t state() {
  const std::string found = faults();
  if (!found.empty()) device().message = found;
  return found.empty() ? cudaSuccess : cudaErrorLaunchFailure;
}

Stream* find(cudaStream_t stream) {
  const auto found = device().streams.find(stream);
  return found == device().streams.end() ? nullptr : found->second.get();
}

bool forbidden_while_capturing(std::string_view what) {
  for (auto& [handle, stream] : device().streams) {
    if (!stream->capture || stream->capturing != std::this_thread::get_id()) continue;
    fault(std::string(what) + ": not while a stream is captured");
    return true;
  }
  return false;
}

void count_use() { ++device().uses[chosen_device]; }

cudaError_t put(cudaStream_t handle, Work work) {
  count_use();
  Stream* stream = find(handle);
  if (stream == nullptr) {
    fault("work was given to the default stream or to one that does not exist");
    return cudaErrorInvalidResourceHandle;
  }
  if (stream->device != chosen_device) {
    fault("work was given to a stream of GPU " + std::to_string(stream->device) +
          " by a thread that has chosen GPU " + std::to_string(chosen_device));
    return cudaErrorInvalidResourceHandle;
  }
  if (!stream->capture) {
    stream->queue.push_back(std::move(work));
    return cudaSuccess;
  }
  if (stream->doomed && stream->works_left-- == 0) stream->spoilt = true;
  if (stream->spoilt) return cudaErrorStreamCaptureInvalidated;
  stream->capture->push_back(std::move(work.run));
  return cudaSuccess;
}

cudaError_t run_until(const std::function<bool()>& done) {
  if (!done()) {
    const Unlock unlock;
    while (!done()) {
      if (!step()) {
        fault("streams: all of them wait for events that are never recorded");
        break;
      }
    }
    check_fences();
  }
  return state();
}

bool all_is_done() {
  const auto is_empty = [](const auto& entry) { return entry.second->queue.empty(); };
  return std::all_of(device().streams.begin(), device().streams.end(), is_empty);
}

cudaError_t run_all() { return run_until(all_is_done); }

void use_stream_seed(std::uint64_t seed) { device().chance.seed(seed); }

cudaError_t enqueue(cudaStream_t handle, std::function<void()> work) {
  const Lock lock(device().mutex);
  return put(handle, {std::move(work), nullptr, 0});
}

cudaError_t may_wait_for_all(std::string_view what) {
  const Lock lock(device().mutex);
  if (forbidden_while_capturing(what)) return cudaErrorStreamCaptureUnsupported;
  for (auto& [handle, stream] : device().streams) {
    if (stream->capture) stream->spoilt = true;
  }
  return cudaSuccess;
}

Traffic take_traffic() {
  const Lock lock(device().mutex);
  return std::exchange(device().traffic, {});
}

int uses_of_device(int number) {
  const Lock lock(device().mutex);
  return device().uses[number];
}

cudaError_t launch(const cudaLaunchConfig_t& config, std::string_view kernel, const void* function,
                   std::function<void()> thread) {
  const Lock lock(device().mutex);
  const auto asked = device().asked_shared.find(function);
  Launch launch{std::string(kernel),
                {config.gridDim.x, config.gridDim.y, config.gridDim.z},
                {config.blockDim.x, config.blockDim.y, config.blockDim.z},
                config.dynamicSmemBytes,
                asked == device().asked_shared.end() ? 0 : asked->second};
  if (config.dynamicSmemBytes > std::max(target().shared_static, launch.asked_shared)) {
    fault(launch.kernel + ": launched with " + std::to_string(config.dynamicSmemBytes) +
          " bytes of dynamic shared memory, more than " + std::to_string(target().shared_static) +
          " and than cudaFuncSetAttribute has asked for");
    return state();
  }
  return enqueue(config.stream,
                 [launch = std::move(launch), thread = std::move(thread)] { run(launch, thread); });
}

}  // namespace emulation
