#pragma once

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/tensor.h"

namespace serenade {

class ThreadPool;

namespace cuda {
class Session;
}

/// Numbers that a Context has lent; they go back to it at the end of this object's life.
class Lent {
 public:
  Lent() = default;
  ~Lent() { give_back(); }
  Lent(Lent&&) noexcept = default;
  Lent& operator=(Lent&& other) noexcept {
    give_back();
    array_ = std::move(other.array_);
    spares_ = std::move(other.spares_);
    return *this;
  }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  Tensor<float> view() { return array_.view(); }
  Tensor<const float> view() const { return array_.view(); }

 private:
  friend class Context;
  using Spares = std::vector<Array<float>>;
  Lent(Array<float> array, std::shared_ptr<Spares> spares)
      : array_(std::move(array)), spares_(std::move(spares)) {}
  void give_back() noexcept;

  Array<float> array_;
  std::shared_ptr<Spares> spares_;
};

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

  /// Memory on the context's device for what one operation gives to the next, contents unspecified.
  /// It is kept when it comes back, so that a repeated step allocates nothing, unless it is very
  /// large and the CPU's. Lend and give back on the thread that uses the context. Throws as Array.
  Lent lend(Shape shape);

  /// Working memory for one operation, 64-byte aligned, contents unspecified, valid until the next
  /// call. Kept between operations, so that a repeated step allocates nothing.
  std::span<float> scratch(Index size);

 private:
  std::unique_ptr<ThreadPool> pool_;
  Array<float> scratch_;
  std::shared_ptr<Lent::Spares> spares_;
  std::shared_ptr<cuda::Session> session_;
};

}  // namespace serenade
