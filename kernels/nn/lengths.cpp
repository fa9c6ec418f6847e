#include "kernels/nn/lengths.h"

#include <algorithm>

#include "kernels/device/checks.h"

namespace serenade {

void expect_lengths(std::string_view operation, const Lengths& lengths, Index batch) {
  if (lengths.data() == nullptr) return;
  expect_shape(operation, "lengths", lengths.shape(), Shape{batch});
}

void map_lengths(Context& context, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out) {
  expect_rank("map_lengths", "table", table.shape(), 1, "[time + 1]");
  expect_shape("map_lengths", "out", out.shape(), lengths.shape());
  expect_on_device("map_lengths", context, lengths, table, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::map_lengths(context, lengths, table, out);
  }
  cpu::map_lengths(context, lengths, table, out);
}

void clear_padding(Context& context, const Lengths& lengths, Tensor<float> x) {
  if (lengths.data() == nullptr) return;
  expect_rank("clear_padding", "x", x.shape(), 3, "[batch, time, channels]");
  expect_lengths("clear_padding", lengths, x.extent(0));
  expect_on_device("clear_padding", context, lengths, x);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::clear_padding(context, lengths, x);
  }
  cpu::clear_padding(context, lengths, x);
}

namespace cpu {

void map_lengths(Context&, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out) {
  for (Index b = 0; b < out.size(); ++b) out.data()[b] = table.data()[lengths.data()[b]];
}

void clear_padding(Context& context, const Lengths& lengths, Tensor<float> x) {
  const Index time = x.extent(1), channels = x.extent(2);
  context.parallel(x.extent(0), [&](Index item) {
    const Index steps = lengths.data()[item];
    std::fill_n(x.data() + (item * time + steps) * channels, (time - steps) * channels, 0.0F);
  });
}

}  // namespace cpu
}  // namespace serenade
