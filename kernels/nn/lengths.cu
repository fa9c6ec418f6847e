#include "kernels/nn/lengths.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

/// One thread a row of the batch: a launch's worth of nothing, but in a graph no host takes part.
__global__ __launch_bounds__(most_threads) void map_lengths_kernel(const std::int32_t* lengths,
                                                                   const std::int32_t* table,
                                                                   Index batch, std::int32_t* out) {
  const Index i = global_index();
  if (i < batch) out[i] = table[lengths[i]];
}

/// One thread a number, which writes 4 bytes where that is padding; lengths come from cache.
__global__ __launch_bounds__(most_threads) void clear_padding_kernel(const std::int32_t* lengths,
                                                                     Index time, Index channels,
                                                                     Index size, float* x) {
  const Index i = global_index();
  if (i >= size) return;
  const Place step = place_of(place_of(i, channels).row, time);
  if (step.column >= lengths[step.row]) x[i] = 0;
}

}  // namespace

void map_lengths(Context& context, const Lengths& lengths, Tensor<const std::int32_t> table,
                 Tensor<std::int32_t> out) {
  Session& session = context.session();
  launch<map_lengths_kernel>(session, one_thread_each(session, out.size()), lengths.data(),
                             table.data(), out.size(), out.data());
}

void clear_padding(Context& context, const Lengths& lengths, Tensor<float> x) {
  Session& session = context.session();
  launch<clear_padding_kernel>(session, one_thread_each(session, x.size()), lengths.data(),
                               x.extent(1), x.extent(2), x.size(), x.data());
}

}  // namespace serenade::cuda
