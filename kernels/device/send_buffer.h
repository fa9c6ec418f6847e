#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

#include "kernels/device/error.h"
#include "kernels/device/transfer.h"

namespace serenade {

/// Sends what the host has to a GPU without waiting for it: through pinned memory, of which there
/// are two halves in turns, so that the host fills one while the GPU reads the other. (From memory
/// that is not pinned a copy is staged by the driver or, where a GPU reads pageable memory itself,
/// not at all.)
class SendBuffer {
 public:
  explicit SendBuffer(Device device) : halves_{Half(device), Half(device)} {}
  /// Waits for what was sent.
  ~SendBuffer() {
    try {
      for (Half& half : halves_) half.sent.wait();
    } catch (const DeviceError&) {  // which has been thrown already, or will be
    }
  }
  SendBuffer(const SendBuffer&) = delete;
  SendBuffer& operator=(const SendBuffer&) = delete;
  SendBuffer(SendBuffer&&) = delete;
  SendBuffer& operator=(SendBuffer&&) = delete;

  /// Makes room for copies of so many bytes together, each rounded up to 64. Waits until what was
  /// sent the time before last has arrived. Throws std::bad_alloc, DeviceError.
  void begin(std::size_t bytes) {
    turn_ = 1 - turn_;
    used_ = 0;
    Half& half = halves_[turn_];
    half.sent.wait();
    half.bytes.resize(bytes);
  }
  static constexpr std::size_t room(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

  /// Enqueues a copy to the device's `to`; `values` are free again when this returns. A context or
  /// a session of it.
  void send(Context& context, std::span<const std::byte> values, void* to) {
    if constexpr (has_cuda) send(context.session(), values, to);
  }
  void send(cuda::Session& session, std::span<const std::byte> values, void* to) {
    if (values.empty()) return;
    std::byte* from = halves_[turn_].bytes.data() + used_;
    std::memcpy(from, values.data(), values.size());
    used_ += room(values.size());
    if constexpr (has_cuda) cuda::enqueue_copy(session, to, from, values.size(), true);
  }

  /// After the last copy.
  void end(Context& context) { halves_[turn_].sent.record(context); }
  void end(cuda::Session& session) { halves_[turn_].sent.record(session); }

 private:
  struct Half {
    explicit Half(Device device) : bytes(device), sent(device) {}
    HostBytes bytes;
    Event sent;
  };
  std::array<Half, 2> halves_;
  std::size_t turn_ = 0;
  std::size_t used_ = 0;
};

}  // namespace serenade
