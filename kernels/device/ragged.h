#pragma once

#include <span>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/tensor.h"

namespace serenade {

/// A ragged batch: clips end to end, clip i being [offsets[i], offsets[i + 1]) of the outermost
/// axis (samples of a signal, frames of a matrix). One clip is a batch of one.
class Ragged {
 public:
  Ragged() = default;
  explicit Ragged(std::span<const Index> lengths) {
    for (const Index length : lengths) append(length);
  }

  void append(Index length) {
    if (length < 0) throw ShapeError("a clip has no negative length");
    offsets_.push_back(offsets_.back() + length);
  }
  Index clips() const { return static_cast<Index>(offsets_.size()) - 1; }
  Index total() const { return offsets_.back(); }
  Index begin(Index clip) const { return offsets_[static_cast<std::size_t>(clip)]; }
  Index end(Index clip) const { return offsets_[static_cast<std::size_t>(clip) + 1]; }
  Index length(Index clip) const { return end(clip) - begin(clip); }
  std::span<const Index> offsets() const { return offsets_; }

 private:
  std::vector<Index> offsets_{0};
};

}  // namespace serenade
