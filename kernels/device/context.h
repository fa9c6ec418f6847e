#pragma once

#include <functional>
#include <memory>
#include <span>

#include "kernels/device/device.h"
#include "kernels/device/tensor.h"

namespace serenade {

namespace cuda {
class Session;
}

/// Where operations run: a device and the threads they may use on the CPU. Operations take it as
/// their first argument. A Context serves one caller at a time; give each thread its own. On CUDA
/// operations return when they are enqueued, and run in order.
class Context {
 public:
  /// A CPU context with this many threads, the caller's included, or as many as the system gives;
  /// threads() says how many. 0 means all cores.
  explicit Context(int threads = 1);
  /// A context on this device. Throws DeviceError where it is not there or this build has no CUDA.
  explicit Context(Device device, int threads = 1);
  ~Context();
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Device device() const { return session_ ? Device::cuda : Device::cpu; }
  /// Waits until all that was enqueued is done. Throws DeviceError for what went wrong in it.
  void synchronize();
  /// CUDA's side of the context; on Device::cuda only.
  cuda::Session& session() { return *session_; }
  int threads() const;

  /// Runs body(chunk) for chunk in [0, chunks), each exactly once, on the context's threads, and
  /// returns when all are done. Which thread runs a chunk is not determined, so a body writes only
  /// what belongs to its chunk; cut work into chunks by the size of the problem, never by
  /// threads(), and results do not depend on the number of threads. The first exception thrown by
  /// a body is rethrown here; chunks not yet begun are then skipped. Bodies must not call
  /// parallel() on the same context.
  void parallel(Index chunks, const std::function<void(Index)>& body);

  /// Working memory for one operation, 64-byte aligned, contents unspecified, valid until the next
  /// call. Kept between operations, so that a repeated step allocates nothing.
  std::span<float> scratch(Index size);

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
  Array<float> scratch_;
  std::shared_ptr<cuda::Session> session_;
};

}  // namespace serenade
