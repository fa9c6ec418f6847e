#include "kernels/nn/statistics_pool.h"

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

/// A block has one item and 32 channels, its warps take turns at the steps: 4 bytes a number from
/// memory, once more from cache, 4 flops.
__global__ __launch_bounds__(most_threads) void statistics_pool_kernel(const float* x,
                                                                       const std::int32_t* lengths,
                                                                       Index time, Index channels,
                                                                       float epsilon, float* y) {
  SERENADE_SHARED(float, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  const float* from = x + at.item * time * channels + at.column;
  const Index own = steps_of(lengths, at.item, time);
  const auto steps = static_cast<float>(own);
  float sum = 0;
  if (at.exists) {
    for (Index t = at.warp; t < own; t += at.warps) sum += from[t * channels];
  }
  const float mean = sum_of_warps(at, shared, sum) / steps;
  float square = 0;
  if (at.exists) {
    for (Index t = at.warp; t < own; t += at.warps) {
      const float difference = from[t * channels] - mean;
      square = fmaf(difference, difference, square);
    }
  }
  square = sum_of_warps(at, shared, square);
  if (!at.exists || at.warp != 0) return;
  float* to = y + at.item * 2 * channels + at.column;
  to[0] = mean;
  to[channels] = sqrtf(square / steps + epsilon);
}

/// One thread a number: 8 bytes, two divisions and 3 flops.
__global__ __launch_bounds__(most_threads) void statistics_pool_backward_kernel(
    const float* x, const float* y, const float* dy, const std::int32_t* lengths, Index time,
    Index channels, Index size, float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const Place step = place_of(at.row, time);
  const Index own = steps_of(lengths, step.row, time);
  const Index first = step.row * 2 * channels + at.column;
  const auto steps = static_cast<float>(own);
  const float shift = dy[first] / steps;
  const float slope = dy[first + channels] / (steps * y[first + channels]);
  dx[i] = step.column < own ? fmaf(x[i] - y[first], slope, shift) : 0;
}

}  // namespace

void statistics_pool(Context& context, const StatisticsPoolOptions& options, Tensor<const float> x,
                     Tensor<float> y, const Lengths& lengths) {
  Session& session = context.session();
  launch<statistics_pool_kernel>(session, column_blocks(session, x.extent(0), x.extent(2)),
                                 x.data(), lengths.data(), x.extent(1), x.extent(2),
                                 static_cast<float>(options.epsilon), y.data());
}

void statistics_pool_backward(Context& context, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  Session& session = context.session();
  launch<statistics_pool_backward_kernel>(session, one_thread_each(session, x.size()), x.data(),
                                          y.data(), dy.data(), lengths.data(), x.extent(1),
                                          x.extent(2), x.size(), dx.data());
}

}  // namespace serenade::cuda
