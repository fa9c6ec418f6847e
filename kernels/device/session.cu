#include "kernels/device/session.h"

#include <algorithm>
#include <string>

#include "kernels/device/error.h"
#include "kernels/device/memory.h"

namespace serenade::cuda {

void check(cudaError_t result, std::string_view what) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // or a library that asks later would take it for its own
  throw DeviceError(std::string(what) + ": " + cudaGetErrorString(result));
}

Session::Session() {
  const DeviceInfo info = usable_device();
  device_ = info.number;
  check(cudaSetDevice(device_), "choosing the GPU");
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

Session::~Session() {
  // What is kept may use the stream to the last.
  kept_.clear();
  offsets_to_send_.reset();
  cudaStreamDestroy(stream_);
}

void Session::synchronize() { check(cudaStreamSynchronize(stream_), "the GPU"); }

void Session::Free::operator()(void* memory) const { deallocate(memory); }

void* Session::scratch_bytes(int slot, std::size_t bytes) {
  Scratch& scratch = scratch_[static_cast<std::size_t>(slot)];
  if (bytes > scratch.bytes) {
    if (scratch.memory) synchronize();  // kernels may still use it
    scratch.memory.reset();
    scratch.bytes = 0;
    scratch.memory.reset(allocate(bytes));
    scratch.bytes = bytes;
  }
  return scratch.memory.get();
}

const void* Session::upload_table(const std::shared_ptr<const void>& owner, int part,
                                  const void* values, std::size_t bytes) {
  Memory memory(allocate(std::max<std::size_t>(bytes, 1)));
  if (bytes > 0) {
    check(cudaMemcpyAsync(memory.get(), values, bytes, cudaMemcpyHostToDevice, stream_),
          "uploading a table");
    // `values` goes with the caller.
    synchronize();
  }
  return (tables_[{owner.get(), part}] = Table{owner, std::move(memory)}).memory.get();
}

const Index* Session::offsets(const Ragged& ragged) {
  const std::span<const Index> wanted = ragged.offsets();
  Uploaded* oldest = &uploaded_.front();
  for (Uploaded& known : uploaded_) {
    if (known.memory &&
        std::equal(wanted.begin(), wanted.end(), known.offsets.begin(), known.offsets.end())) {
      known.used = ++uses_;
      return static_cast<const Index*>(known.memory.get());
    }
    if (known.used < oldest->used) oldest = &known;
  }
  Uploaded& slot = *oldest;
  slot.used = ++uses_;
  const std::size_t bytes = wanted.size_bytes();
  if (bytes > slot.capacity) {
    // Overwriting comes after the kernels that read it on the stream; freeing need not.
    if (slot.memory) synchronize();
    slot.memory.reset();
    slot.capacity = 0;
    slot.memory.reset(allocate(2 * bytes));
    slot.capacity = 2 * bytes;
  }
  slot.offsets.assign(wanted.begin(), wanted.end());
  if (!offsets_to_send_) offsets_to_send_.emplace(Device::cuda);
  offsets_to_send_->begin(bytes);
  offsets_to_send_->send(*this, std::as_bytes(wanted), slot.memory.get());
  offsets_to_send_->end(*this);
  return static_cast<const Index*>(slot.memory.get());
}

}  // namespace serenade::cuda
