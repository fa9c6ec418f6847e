#pragma once

#include "kernels/nn/lengths.h"

namespace serenade {

/// Rows (time steps of all items end to end) in blocks whose sums are float32. Where there are
/// lengths a block has steps of one item only, and of these its own: neither blocks nor what they
/// add up change with the padding, some blocks only are empty.
struct RowBlocks {
  static constexpr Index size = 64;

  Index rows = 0;
  Index time = 1;  ///< of an item; matters where there are lengths
  const std::int32_t* lengths = nullptr;

  struct Range {
    Index begin, end;
  };

  constexpr Index of_item() const { return (time + size - 1) / size; }
  constexpr Index count() const {
    return lengths == nullptr ? (rows + size - 1) / size : rows / time * of_item();
  }
  constexpr Range operator[](Index block) const {
    if (lengths == nullptr) {
      const Index begin = block * size;
      return {begin, begin + size < rows ? begin + size : rows};
    }
    const Index item = block / of_item();
    const Index first = (block - item * of_item()) * size;
    const Index steps = lengths[item];
    const Index begin = first < steps ? first : steps;
    const Index end = first + size < steps ? first + size : steps;
    return {item * time + begin, item * time + end};
  }
};

}  // namespace serenade
