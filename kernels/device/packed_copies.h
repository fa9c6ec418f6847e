#pragma once

#include <cstddef>
#include <cstring>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"
#include "kernels/device/send_buffer.h"
#include "kernels/device/transfer.h"

namespace serenade {

/// Many small arrays that go between the host and a GPU together: packed into pinned memory, with
/// one wait for all of them.
class PackedCopies {
 public:
  explicit PackedCopies(Device device) : packed_(device) {}

  /// One of the copies of the next run(). Throws ShapeError where the shapes differ.
  void add(Tensor<const float> from, Tensor<float> to) {
    expect_shape("packed copies", "to", to.shape(), from.shape());
    if (from.size() > 0) copies_.push_back({from, to});
  }

  /// Makes the copies, after all that was enqueued on the context, and returns when they are done.
  /// Throws std::bad_alloc, DeviceError.
  void run(Context& context) {
    std::size_t bytes = 0;
    for (const One& one : copies_) bytes += SendBuffer::room(one.bytes());
    packed_.resize(bytes);
    std::byte* packed = packed_.data();
    for (const One& one : copies_) {
      one.enqueue(context, packed);
      packed += SendBuffer::room(one.bytes());
    }
    context.synchronize();
    packed = packed_.data();
    for (const One& one : copies_) {
      if (one.from.device() != one.to.device() && one.to.device() == Device::cpu) {
        std::memcpy(one.to.data(), packed, one.bytes());
      }
      packed += SendBuffer::room(one.bytes());
    }
    copies_.clear();
  }

 private:
  struct One {
    Tensor<const float> from;
    Tensor<float> to;

    std::size_t bytes() const { return static_cast<std::size_t>(from.size()) * sizeof(float); }
    void enqueue(Context& context, std::byte* packed) const {
      if (from.device() == to.device()) return copy(context, from, to);
      const Tensor<float> here(reinterpret_cast<float*>(packed), from.shape());
      if (from.device() != Device::cpu) return enqueue_copy(context, from, here);
      std::memcpy(packed, from.data(), bytes());
      enqueue_copy(context, Tensor<const float>(here), to);
    }
  };
  HostBytes packed_;
  std::vector<One> copies_;
};

}  // namespace serenade
