#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/device/ragged.h"
#include "kernels/device/send_buffer.h"
#include "kernels/device/tensor.h"

/// The host's side of CUDA, included by .cu files only. Other code knows it as Context, Array and
/// copy() and compiles without the toolkit.
namespace serenade::cuda {

/// Throws DeviceError "<what>: <CUDA's text>" unless the call went well.
void check(cudaError_t result, std::string_view what);

/// What a CUDA context owns: one stream, on which everything of the context runs in order, working
/// memory, and tables that stay on the device. One caller at a time.
class Session {
 public:
  /// Throws DeviceError where there is no GPU, its driver is too old or the GPU is.
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  cudaStream_t stream() const { return stream_; }
  /// CUDA's number of the GPU.
  int device() const { return device_; }
  /// Waits for all that was enqueued. Throws DeviceError for what went wrong in it.
  void synchronize();

  /// Working memory of one operation, good until an operation asks for the same slot (0..3) again;
  /// contents unspecified. Kept, so that a repeated step allocates nothing.
  template <class T>
  T* scratch(int slot, Index size) {
    return static_cast<T*>(scratch_bytes(slot, static_cast<std::size_t>(size) * sizeof(T)));
  }

  /// A table on the device: what `make` gives, uploaded when first asked for. It belongs to `owner`
  /// (a plan or bank keeps its own tables alive by it), which may have several parts.
  template <class T, class Make>
  const T* table(const std::shared_ptr<const void>& owner, int part, const Make& make) {
    const auto key = std::make_pair(owner.get(), part);
    const auto known = tables_.find(key);
    if (known != tables_.end()) return static_cast<const T*>(known->second.memory.get());
    const std::vector<T> values = make();
    return static_cast<const T*>(
        upload_table(owner, part, values.data(), values.size() * sizeof(T)));
  }

  /// The same for a table that follows from its name alone.
  template <class T, class Make>
  const T* table(const std::string& name, const Make& make) {
    std::shared_ptr<const void>& owner = named_[name];
    if (!owner) owner = std::make_shared<const std::string>(name);
    return table<T>(owner, 0, make);
  }

  /// The batch's offsets [clips + 1] on the device, good for the next three batches. Those that
  /// were used last are kept.
  const Index* offsets(const Ragged& ragged);

  /// An object of a library or the like that the context keeps, made when first asked for.
  template <class T, class Make>
  T& keep(const std::string& name, const Make& make) {
    std::shared_ptr<void>& kept = kept_[name];
    if (!kept) kept = std::static_pointer_cast<void>(std::shared_ptr<T>(make()));
    return *static_cast<T*>(kept.get());
  }

  /// Threads in a block, `wanted` unless a test asks for others.
  int block_size(int wanted) const { return block_size_ > 0 ? block_size_ : wanted; }
  /// For tests: every kernel must work with any multiple of 32 up to 256. 0: as each wants.
  void use_block_size(int threads) { block_size_ = threads; }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  using Memory = std::unique_ptr<void, Free>;
  struct Table {
    std::shared_ptr<const void> owner;
    Memory memory;
  };
  struct Uploaded {
    std::vector<Index> offsets;
    Memory memory;
    std::size_t capacity = 0;
    std::uint64_t used = 0;
  };
  struct Scratch {
    Memory memory;
    std::size_t bytes = 0;
  };

  void* scratch_bytes(int slot, std::size_t bytes);
  const void* upload_table(const std::shared_ptr<const void>& owner, int part, const void* values,
                           std::size_t bytes);

  int device_ = 0;
  cudaStream_t stream_ = nullptr;
  std::map<std::pair<const void*, int>, Table> tables_;
  std::map<std::string, std::shared_ptr<const void>> named_;
  std::map<std::string, std::shared_ptr<void>> kept_;
  std::array<Scratch, 4> scratch_;
  std::array<Uploaded, 4> uploaded_;
  std::optional<SendBuffer> offsets_to_send_;
  std::uint64_t uses_ = 0;
  int block_size_ = 0;
};

}  // namespace serenade::cuda
