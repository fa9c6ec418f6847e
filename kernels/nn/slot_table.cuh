#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/launch.cuh"
#include "kernels/device/memory.h"

/// Many arrays worked on by one launch. A network has dozens of parameters, most of them small: a
/// launch for each would cost more than its work.
namespace serenade::cuda {

/// Numbers that a block works on; those of one array.
inline constexpr Index chunk_size = 1024;

/// `slots` on the device; Slot has `Index size` and `Index first`, the chunks of the slots before
/// it. Uploaded when it is not the last one of that name: the arrays of a training stay where they
/// are, so that its steps upload nothing.
template <class Slot>
class SlotTable {
 public:
  static SlotTable& of(Session& session, const std::string& name) {
    return session.keep<SlotTable>(name, [] { return std::make_shared<SlotTable>(); });
  }

  void assign(Session& session, std::vector<Slot> slots) {
    chunks_ = 0;
    for (Slot& slot : slots) {
      slot.first = chunks_;
      chunks_ += (slot.size + chunk_size - 1) / chunk_size;
    }
    if (slots == slots_) return;
    // What was enqueued may still read the old ones, here and there.
    session.synchronize();
    slots_.clear();
    const std::size_t bytes = slots.size() * sizeof(Slot);
    if (slots.size() > capacity_) {
      memory_.reset();
      capacity_ = 0;
      memory_.reset(allocate(bytes));
      capacity_ = slots.size();
    }
    if (slots.empty()) return;
    slots_ = std::move(slots);
    check(cudaMemcpyAsync(memory_.get(), slots_.data(), bytes, cudaMemcpyHostToDevice,
                          session.stream()),
          "uploading a table of arrays");
  }

  const Slot* slots() const { return static_cast<const Slot*>(memory_.get()); }
  int size() const { return static_cast<int>(slots_.size()); }
  Index chunks() const { return chunks_; }
  /// One block a chunk.
  Extent1d extent(const Session& session) const {
    return {chunks_, session.block_size(most_threads), 0};
  }

 private:
  struct Free {
    void operator()(void* memory) const { deallocate(memory); }
  };
  std::vector<Slot> slots_;
  std::size_t capacity_ = 0;
  std::unique_ptr<void, Free> memory_;
  Index chunks_ = 0;
};

/// Which numbers of which array a block has.
struct Chunk {
  int slot;
  Index begin, end;
};

template <class Slot>
__device__ inline Chunk chunk_of(const Slot* slots, int count) {
  const Index block = blockIdx.x;
  int low = 0;
  int high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (slots[middle].first <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const Index begin = (block - slots[low].first) * chunk_size;
  return {low, begin, min(begin + chunk_size, slots[low].size)};
}

}  // namespace serenade::cuda
