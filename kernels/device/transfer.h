#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

#include "kernels/device/checks.h"
#include "kernels/device/context.h"
#include "kernels/device/tensor.h"

/// Copies that run while the caller goes on, and what they need: host memory that does not move and
/// a way to wait for one copy without waiting for what was enqueued after it.
namespace serenade {

namespace cuda {
// Of builds with CUDA only. Pinned memory is null where there is no more of it.
void* allocate_pinned(std::size_t bytes) noexcept;
void deallocate_pinned(void* memory) noexcept;
void enqueue_copy(Session& session, void* to, const void* from, std::size_t bytes, bool to_device);
void* make_event();
void destroy_event(void* event) noexcept;
void record_event(Session& session, void* event);
void wait_for_event(void* event);
void choose_device(const Session& session);
}  // namespace cuda

/// To be called before a context that another thread made is used: CUDA chooses a thread's GPU
/// thread by thread.
inline void use_on_this_thread(Context& context) {
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) cuda::choose_device(context.session());
  }
}

/// Bytes on the host that grow and keep what they hold. For a GPU they are pinned: it reads and
/// writes them while the processor does other things.
class HostBytes {
 public:
  explicit HostBytes(Device device = Device::cpu) : memory_(nullptr, Free{device}) {}

  Device device() const { return memory_.get_deleter().device; }
  std::size_t size() const { return size_; }
  std::byte* data() { return memory_.get(); }
  const std::byte* data() const { return memory_.get(); }

  /// Keeps the first min(size, size()) bytes; new ones are unspecified. 64-byte aligned. Throws
  /// std::bad_alloc, which leaves all as it was.
  void resize(std::size_t size) {
    if (size > capacity_) {
      // Grown by half, so that appending costs no more than writing.
      const std::size_t capacity = std::max(size, capacity_ + capacity_ / 2);
      Memory larger(allocate(capacity), memory_.get_deleter());
      if (size_ > 0) std::memcpy(larger.get(), memory_.get(), size_);
      memory_ = std::move(larger);
      capacity_ = capacity;
    }
    size_ = size;
  }

  /// Empties it, and gives memory of more than `most` bytes back.
  void shrink(std::size_t most) {
    size_ = 0;
    if (capacity_ <= most) return;
    memory_.reset();
    capacity_ = 0;
  }

  /// The bytes as numbers, from byte `begin` on, which must fit T's alignment.
  template <class T>
  T* as(std::size_t begin = 0) {
    static_assert(std::is_trivially_copyable_v<T>);
    return reinterpret_cast<T*>(memory_.get() + begin);
  }

 private:
  struct Free {
    Device device = Device::cpu;
    void operator()(std::byte* memory) const {
      if constexpr (has_cuda) {
        if (device == Device::cuda) return cuda::deallocate_pinned(memory);
      }
      std::free(memory);
    }
  };
  using Memory = std::unique_ptr<std::byte, Free>;

  std::byte* allocate(std::size_t bytes) const {
    void* memory = nullptr;
    if constexpr (has_cuda) {
      if (device() == Device::cuda) memory = cuda::allocate_pinned(bytes);
    }
    if (device() == Device::cpu && bytes <= SIZE_MAX - 63) {
      memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    }
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }

  Memory memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// A point in what a context has enqueued. On the CPU everything before it is done at once.
class Event {
 public:
  explicit Event(Device device) : event_(nullptr) {
    if constexpr (has_cuda) {
      if (device == Device::cuda) event_.reset(cuda::make_event());
    }
  }

  /// The point is now.
  void record(Context& context) {
    if constexpr (has_cuda) {
      if (event_) cuda::record_event(context.session(), event_.get());
    }
  }
  void record(cuda::Session& session) {
    if constexpr (has_cuda) {
      if (event_) cuda::record_event(session, event_.get());
    }
  }
  /// Waits until all that was enqueued before the point is done; not at all where there is none.
  /// Throws DeviceError for what went wrong in it.
  void wait() {
    if constexpr (has_cuda) {
      if (event_) cuda::wait_for_event(event_.get());
    }
  }

 private:
  struct Destroy {
    void operator()(void* event) const {
      if constexpr (has_cuda) cuda::destroy_event(event);
    }
  };
  std::unique_ptr<void, Destroy> event_;
};

/// Enqueues a copy between the host and the context's device. The host's side must be pinned
/// (HostBytes) and stay untouched until an Event recorded after it has come. On the CPU it is done
/// at once. Throws ShapeError where the shapes differ.
template <class From, class T>
void enqueue_copy(Context& context, Tensor<From> from, Tensor<T> to) {
  static_assert(std::is_same_v<std::remove_const_t<From>, T>);
  expect_shape("enqueue_copy", "to", to.shape(), from.shape());
  const std::size_t bytes = static_cast<std::size_t>(from.size()) * sizeof(T);
  if (bytes == 0) return;
  if constexpr (has_cuda) {
    if (from.device() != to.device()) {
      return cuda::enqueue_copy(context.session(), to.data(), from.data(), bytes,
                                to.device() == Device::cuda);
    }
  }
  std::memcpy(to.data(), from.data(), bytes);
}

}  // namespace serenade
