#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/device/context.h"

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

/// Throws ShapeError naming the operation unless there is one length for each row, or none at all.
void expect_lengths(std::string_view operation, const Lengths& lengths, Index batch);

/// out[b] = table[lengths[b]]: the lengths behind a layer. table [time + 1], out [batch]. Throws
/// ShapeError where these do not fit together.
void map_lengths(Context&, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out);

/// Makes x [batch, time, channels] 0 behind each row's steps; nothing where none is padded. Throws
/// ShapeError where there is not one length for each row.
void clear_padding(Context&, const Lengths& lengths, Tensor<float> x);

namespace cpu {
void map_lengths(Context&, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out);
void clear_padding(Context&, const Lengths& lengths, Tensor<float> x);
}  // namespace cpu

namespace cuda {
void map_lengths(Context&, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out);
void clear_padding(Context&, const Lengths& lengths, Tensor<float> x);
}  // namespace cuda

}  // namespace serenade
