#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/emulation/streams.h"

/// What streams.cpp and the functions of the runtime share: the queues of the emulated GPU. All of
/// it is called under the device's lock.
namespace emulation {

/// Records of an event are counted; a wait is for one of them.
struct Event {
  std::uint64_t recorded = 0;
  std::uint64_t reached = 0;
};

struct Work {
  std::function<void()> run;
  std::shared_ptr<Event> waits_for;
  std::uint64_t record = 0;
  const std::byte* pinned = nullptr;  // what it reads or writes of the host's

  bool can_run() const { return !waits_for || waits_for->reached >= record; }
};

/// What was captured; a launch runs it as it was, arguments and all.
using Captured = std::vector<std::function<void()>>;

struct Stream {
  std::deque<Work> queue;
  std::shared_ptr<Captured> capture;  // where work goes while the stream is captured
  std::thread::id capturing;          // the thread that must not wait or allocate meanwhile
  bool spoilt = false;                // the capture ends with an error
  bool doomed = false;                // and so will this one, after works_left pieces of work
  int works_left = 0;
  int device = 0;
};

struct Device {
  std::recursive_mutex mutex;
  std::map<cudaStream_t, std::unique_ptr<Stream>> streams;
  std::map<cudaEvent_t, std::shared_ptr<Event>> events;
  std::map<cudaGraph_t, std::shared_ptr<Captured>> graphs;
  std::map<cudaGraphExec_t, std::shared_ptr<Captured>> executables;
  std::map<std::byte*, std::size_t> pinned;
  std::map<const void*, std::size_t> asked_shared;  // by kernel
  std::mt19937_64 chance{1};
  std::deque<char> handles;  // their addresses: never two of the same
  std::string message;       // of the error that the device is in: sticky, as a real one's
  std::map<int, int> uses;   // by GPU
  Traffic traffic;
};

/// The GPU that the thread has chosen: the first unless it does.
inline thread_local int chosen_device = 0;

Device& device();
using Lock = std::lock_guard<std::recursive_mutex>;

/// cudaSuccess, or the error that faults have put the device into, for good.
cudaError_t state();
/// Null where there is no such stream.
Stream* find(cudaStream_t stream);
/// What would wait, allocate or free ends a capture by the same thread (in the mode that says so,
/// cudaStreamCaptureModeThreadLocal); the graph is then none.
bool forbidden_while_capturing(std::string_view what);
/// The thread's GPU is asked for something.
void count_use();
/// Puts work on a stream, or into what is captured of it.
cudaError_t put(cudaStream_t handle, Work work);

/// Runs what there is until `done`.
cudaError_t run_until(const std::function<bool()>& done);
bool all_is_done();
cudaError_t run_all();

template <class Handle>
Handle new_handle() {
  return reinterpret_cast<Handle>(&device().handles.emplace_back());
}

}  // namespace emulation
