#include "kernels/nn/mixup.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

/// One thread a number: 8 bytes from memory, as the next row's come from cache when its own turn
/// comes, and two operations.
__global__ __launch_bounds__(most_threads) void mixup_kernel(const float* shares, Index batch_size,
                                                             const std::uint32_t* index,
                                                             const float* x, Index rows,
                                                             Index row_size, Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, row_size);
  const float share = shares[static_cast<Index>(*index) * batch_size + at.row];
  const Index next = at.row + 1 < rows ? i + row_size : at.column;
  y[i] = mixed(share, x[i], x[next]);
}

/// One thread a row.
__global__ __launch_bounds__(most_threads) void mixup_lengths_kernel(const std::int32_t* x,
                                                                     Index rows, std::int32_t* y) {
  const Index i = global_index();
  if (i < rows) y[i] = max(x[i], x[i + 1 < rows ? i + 1 : 0]);
}

}  // namespace

void mixup(Context& context, const MixupShares& how, Tensor<const float> x, Tensor<float> y) {
  Session& session = context.session();
  const Index rows = x.extent(0);
  launch<mixup_kernel>(session, one_thread_each(session, x.size()), how.shares.data(),
                       how.batch_size, how.index.data(), x.data(), rows, x.size() / rows, x.size(),
                       y.data());
}

void mixup_lengths(Context& context, Tensor<const std::int32_t> x, Tensor<std::int32_t> y) {
  Session& session = context.session();
  launch<mixup_lengths_kernel>(session, one_thread_each(session, x.size()), x.data(), x.size(),
                               y.data());
}

}  // namespace serenade::cuda
