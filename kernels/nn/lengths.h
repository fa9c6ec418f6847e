#pragma once

#include <cstdint>

#include "kernels/device/tensor.h"

namespace serenade {

/// Of each row of a batch of sequences how many of its time steps are its own, [batch], each from 1
/// to the batch's time: what lies behind them is padding, which no result may depend on. An empty
/// view: none is padded.
///
/// Layers keep to this: numbers behind a row's steps are 0 in x, y, dx and dy alike. So operations
/// that make 0 of 0 (activations, dropout, sums, gates) need not know lengths.
using Lengths = Tensor<const std::int32_t>;

/// Steps of row `item` (on the device where the lengths are; null where none is padded).
constexpr Index steps_of(const std::int32_t* lengths, Index item, Index time) {
  return lengths == nullptr ? time : Index{lengths[item]};
}

}  // namespace serenade
