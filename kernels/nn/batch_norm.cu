#include "kernels/nn/batch_norm.h"

#include "kernels/device/columns.cuh"
#include "kernels/nn/row_blocks.h"

// float64 on purpose, as the CPU twin: the sums of blocks of rows are joined in float64.
namespace serenade::cuda {
namespace {

Index channels_of(const Shape& x) { return x[x.rank() - 1]; }

/// One thread has a block in one column, so that the blocks and not the batch decide how many
/// threads there are; they are the CPU's, so that both devices add the same numbers up.
RowBlocks blocks_of(const Shape& x, const Lengths& lengths) {
  return {x.size() / channels_of(x), x.rank() == 3 ? x[1] : 1, lengths.data()};
}

/// means, squares [blocks, channels]: of each block its mean and its squared differences from it.
/// One thread a block and channel, neighbours side by side in the channels: 4 bytes a number from
/// memory (the second reading is from cache) and 4 flops.
__global__ __launch_bounds__(most_threads) void block_moments_kernel(const float* x, RowBlocks cut,
                                                                     Index channels, Index size,
                                                                     float* means, float* squares) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const auto [begin, end] = cut[at.row];
  float mean = 0;
#pragma unroll 8  // loads do not wait for each other; sums keep their order
  for (Index r = begin; r < end; ++r) mean += x[r * channels + at.column];
  if (begin < end) mean /= static_cast<float>(end - begin);
  float square = 0;
#pragma unroll 8
  for (Index r = begin; r < end; ++r) {
    const float difference = x[r * channels + at.column] - mean;
    square = fmaf(difference, difference, square);
  }
  means[i] = mean;
  squares[i] = square;
}

/// Rows in all blocks. All threads of the block must call.
__device__ inline double rows_in(const RowBlocks& cut, const ColumnBlock& at,
                                 double (&shared)[most_warps * warp_size]) {
  if (cut.lengths == nullptr) return static_cast<double>(cut.rows);
  double rows = 0;
  for (Index item = at.warp; item < cut.rows / cut.time; item += at.warps) {
    rows += static_cast<double>(cut.lengths[item]);
  }
  return sum_of_warps(at, shared, rows);
}

struct Running {
  double keep, epsilon;
  float *mean, *variance;
};

/// The blocks' moments as one: mean of the means by their rows, then their squares and those of
/// their distances from it. (The CPU joins them one by one, Chan et al. 1983; here that would be a
/// chain of divisions.) 8 bytes and 8 flops a block and channel: nothing beside the batch's.
__global__ __launch_bounds__(most_threads) void join_moments_kernel(const float* means,
                                                                    const float* squares,
                                                                    RowBlocks cut, Index channels,
                                                                    Running running, float* mean,
                                                                    float* inverse_std) {
  SERENADE_SHARED(double, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  const Index blocks = cut.count();
  const auto rows_of = [=](Index b) {
    const auto [begin, end] = cut[b];
    return static_cast<double>(end - begin);
  };
  const double rows = rows_in(cut, at, shared);
  double sum = 0;
  if (at.exists) {
    for (Index b = at.warp; b < blocks; b += at.warps) {
      sum = fma(rows_of(b), static_cast<double>(means[b * channels + at.column]), sum);
    }
  }
  const double centre = sum_of_warps(at, shared, sum) / rows;
  double square = 0;
  if (at.exists) {
    for (Index b = at.warp; b < blocks; b += at.warps) {
      const double away = static_cast<double>(means[b * channels + at.column]) - centre;
      square +=
          fma(rows_of(b) * away, away, static_cast<double>(squares[b * channels + at.column]));
    }
  }
  const double variance = sum_of_warps(at, shared, square) / rows;
  if (!at.exists || at.warp != 0) return;
  const Index c = at.column;
  mean[c] = static_cast<float>(centre);
  inverse_std[c] = static_cast<float>(1.0 / sqrt(variance + running.epsilon));
  const double more = 1 - running.keep;
  running.mean[c] =
      static_cast<float>(running.keep * static_cast<double>(running.mean[c]) + more * centre);
  running.variance[c] =
      static_cast<float>(running.keep * static_cast<double>(running.variance[c]) + more * variance);
}

/// One thread a number: 8 bytes, 3 flops; what belongs to the channel comes from cache.
__global__ __launch_bounds__(most_threads) void normalise_kernel(const float* x, const float* mean,
                                                                 const float* inverse_std,
                                                                 const float* gamma,
                                                                 const float* beta, Index channels,
                                                                 Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Index c = place_of(i, channels).column;
  y[i] = fmaf(x[i] - mean[c], gamma[c] * inverse_std[c], beta[c]);
}

/// sums, products [blocks, channels]: of dy, and of dy (x - mean), mapped as block_moments_kernel.
/// 8 bytes and 4 flops a number.
__global__ __launch_bounds__(most_threads) void block_products_kernel(
    const float* x, const float* mean, const float* dy, RowBlocks cut, Index channels, Index size,
    float* sums, float* products) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const auto [begin, end] = cut[at.row];
  const float centre = mean[at.column];
  float sum = 0;
  float product = 0;
#pragma unroll 8
  for (Index r = begin; r < end; ++r) {
    const float gradient = dy[r * channels + at.column];
    sum += gradient;
    product = fmaf(gradient, x[r * channels + at.column] - centre, product);
  }
  sums[i] = sum;
  products[i] = product;
}

/// dgamma and dbeta, and the two factors of dx, shift and slope [channels].
__global__ __launch_bounds__(most_threads) void join_products_kernel(
    const float* sums, const float* products, RowBlocks cut, Index channels,
    const float* inverse_std, float* dgamma, float* dbeta, float* shift, float* slope) {
  SERENADE_SHARED(double, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  const Index blocks = cut.count();
  const double count = rows_in(cut, at, shared);
  double sum = 0;
  double product = 0;
  if (at.exists) {
    for (Index b = at.warp; b < blocks; b += at.warps) {
      sum += static_cast<double>(sums[b * channels + at.column]);
      product += static_cast<double>(products[b * channels + at.column]);
    }
  }
  sum = sum_of_warps(at, shared, sum);
  product = sum_of_warps(at, shared, product);
  if (!at.exists || at.warp != 0) return;
  const Index c = at.column;
  const auto scale = static_cast<double>(inverse_std[c]);
  product *= scale;
  dbeta[c] = static_cast<float>(sum);
  dgamma[c] = static_cast<float>(product);
  shift[c] = static_cast<float>(-sum / count);
  slope[c] = static_cast<float>(-product / count * scale);
}

/// One thread a number: 12 bytes, 5 flops.
__global__ __launch_bounds__(most_threads) void batch_norm_backward_kernel(
    const float* x, const float* mean, const float* inverse_std, const float* gamma,
    const float* shift, const float* slope, const float* dy, Index channels, Index size,
    float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Index c = place_of(i, channels).column;
  const float centred = dy[i] + shift[c];
  dx[i] = gamma[c] * inverse_std[c] * fmaf(x[i] - mean[c], slope[c], centred);
}

/// gamma over the running deviation, once a channel: float64 once a number would bound the GPUs
/// that have little of it.
__global__ __launch_bounds__(most_threads) void inference_scale_kernel(
    const float* gamma, const float* variance, double epsilon, Index channels, float* scale) {
  const Index c = global_index();
  if (c >= channels) return;
  scale[c] = static_cast<float>(static_cast<double>(gamma[c]) /
                                sqrt(static_cast<double>(variance[c]) + epsilon));
}

/// As normalise_kernel.
__global__ __launch_bounds__(most_threads) void inference_kernel(const float* x, const float* mean,
                                                                 const float* scale,
                                                                 const float* beta, Index channels,
                                                                 Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Index c = place_of(i, channels).column;
  y[i] = fmaf(x[i] - mean[c], scale[c], beta[c]);
}

}  // namespace

void batch_norm(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta,
                const BatchNormStatistics& statistics, Tensor<float> y, const Lengths& lengths) {
  Session& session = context.session();
  const Index channels = channels_of(x.shape());
  const RowBlocks cut = blocks_of(x.shape(), lengths);
  const Index partial = cut.count() * channels;
  auto* means = session.scratch<float>(0, 2 * partial);
  float* squares = means + partial;
  launch<block_moments_kernel>(session, one_thread_each(session, partial), x.data(), cut, channels,
                               partial, means, squares);
  launch<join_moments_kernel>(
      session, column_blocks(session, 1, channels), means, squares, cut, channels,
      Running{options.momentum, options.epsilon, statistics.running_mean.data(),
              statistics.running_variance.data()},
      statistics.mean.data(), statistics.inverse_std.data());
  launch<normalise_kernel>(session, one_thread_each(session, x.size()), x.data(),
                           statistics.mean.data(), statistics.inverse_std.data(), gamma.data(),
                           beta.data(), channels, x.size(), y.data());
}

void batch_norm_backward(Context& context, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics& statistics, Tensor<const float> dy,
                         Tensor<float> dx, Tensor<float> dgamma, Tensor<float> dbeta,
                         const Lengths& lengths) {
  Session& session = context.session();
  const Index channels = channels_of(x.shape());
  const RowBlocks cut = blocks_of(x.shape(), lengths);
  const Index partial = cut.count() * channels;
  auto* sums = session.scratch<float>(0, 2 * partial + 2 * channels);
  float* products = sums + partial;
  float* shift = products + partial;
  float* slope = shift + channels;
  launch<block_products_kernel>(session, one_thread_each(session, partial), x.data(),
                                statistics.mean.data(), dy.data(), cut, channels, partial, sums,
                                products);
  launch<join_products_kernel>(session, column_blocks(session, 1, channels), sums, products, cut,
                               channels, statistics.inverse_std.data(), dgamma.data(), dbeta.data(),
                               shift, slope);
  if (dx.data() == nullptr) return;
  launch<batch_norm_backward_kernel>(session, one_thread_each(session, x.size()), x.data(),
                                     statistics.mean.data(), statistics.inverse_std.data(),
                                     gamma.data(), shift, slope, dy.data(), channels, x.size(),
                                     dx.data());
}

void batch_norm_inference(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y) {
  if (x.size() == 0) return;
  Session& session = context.session();
  const Index channels = channels_of(x.shape());
  auto* scale = session.scratch<float>(0, channels);
  launch<inference_scale_kernel>(session, one_thread_each(session, channels), gamma.data(),
                                 running_variance.data(), options.epsilon, channels, scale);
  launch<inference_kernel>(session, one_thread_each(session, x.size()), x.data(),
                           running_mean.data(), scale, beta.data(), channels, x.size(), y.data());
}

}  // namespace serenade::cuda
