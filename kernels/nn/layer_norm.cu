#include "kernels/nn/layer_norm.h"

#include "kernels/device/columns.cuh"

// float64 on purpose, as the CPU twin: a row's deviation, and the sums of blocks of rows.
namespace serenade::cuda {
namespace {

/// Rows whose sums for gamma and beta are float32, as the CPU's.
constexpr Index block_rows = 64;

Index channels_of(const Shape& x) { return x[x.rank() - 1]; }

struct RowStatistics {
  float mean, inverse_std;
};

/// Of a row, by a warp: lanes take turns at the channels.
__device__ inline RowStatistics statistics_of(const float* row, Index channels, double epsilon) {
  const auto count = static_cast<float>(channels);
  float sum = 0;
  for (Index c = lane_index(); c < channels; c += warp_size) sum += row[c];
  const float mean = warp_sum(sum) / count;
  float square = 0;
  for (Index c = lane_index(); c < channels; c += warp_size) {
    const float difference = row[c] - mean;
    square = fmaf(difference, difference, square);
  }
  const float variance = warp_sum(square) / count;
  return {mean, static_cast<float>(1.0 / sqrt(static_cast<double>(variance) + epsilon))};
}

/// One warp a row: 8 bytes from and to memory a number, the row twice more from cache, 7 flops. (A
/// block for each row would leave most threads without a channel.)
__global__ __launch_bounds__(most_threads) void layer_norm_kernel(const float* x,
                                                                  const float* gamma,
                                                                  const float* beta, double epsilon,
                                                                  Index rows, Index channels,
                                                                  float* y) {
  const Index r = global_index() / warp_size;
  if (r >= rows) return;
  const float* from = x + r * channels;
  float* to = y + r * channels;
  const RowStatistics at = statistics_of(from, channels, epsilon);
  for (Index c = lane_index(); c < channels; c += warp_size) {
    to[c] = fmaf((from[c] - at.mean) * at.inverse_std, gamma[c], beta[c]);
  }
}

/// mean, inverse_std [rows], one warp a row.
__global__ __launch_bounds__(most_threads) void row_statistics_kernel(const float* x,
                                                                      double epsilon, Index rows,
                                                                      Index channels, float* mean,
                                                                      float* inverse_std) {
  const Index r = global_index() / warp_size;
  if (r >= rows) return;
  const RowStatistics at = statistics_of(x + r * channels, channels, epsilon);
  if (lane_index() != 0) return;
  mean[r] = at.mean;
  inverse_std[r] = at.inverse_std;
}

/// products, sums [blocks, channels] for gamma and beta: one thread a block of rows and channel,
/// neighbours side by side in the channels. 8 bytes and 5 flops a number.
__global__ __launch_bounds__(most_threads) void layer_products_kernel(
    const float* x, const float* dy, const float* mean, const float* inverse_std, Index rows,
    Index channels, Index size, float* products, float* sums) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const Index end = min(rows, (at.row + 1) * block_rows);
  float product = 0;
  float sum = 0;
#pragma unroll 4  // loads do not wait for each other; sums keep their order
  for (Index r = at.row * block_rows; r < end; ++r) {
    const float gradient = dy[r * channels + at.column];
    const float normal = (x[r * channels + at.column] - mean[r]) * inverse_std[r];
    product = fmaf(gradient, normal, product);
    sum += gradient;
  }
  products[i] = product;
  sums[i] = sum;
}

__global__ __launch_bounds__(most_threads) void join_layer_products_kernel(
    const float* products, const float* sums, Index blocks, Index channels, float* dgamma,
    float* dbeta) {
  SERENADE_SHARED(double, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  double product = 0;
  double sum = 0;
  if (at.exists) {
    for (Index b = at.warp; b < blocks; b += at.warps) {
      product += static_cast<double>(products[b * channels + at.column]);
      sum += static_cast<double>(sums[b * channels + at.column]);
    }
  }
  product = sum_of_warps(at, shared, product);
  sum = sum_of_warps(at, shared, sum);
  if (!at.exists || at.warp != 0) return;
  dgamma[at.column] = static_cast<float>(product);
  dbeta[at.column] = static_cast<float>(sum);
}

/// One warp a row: 12 bytes a number, the row once more from cache, 11 flops. A lane writes only
/// what it alone has read: dx may be dy.
__global__ __launch_bounds__(most_threads) void layer_norm_backward_kernel(
    const float* x, const float* gamma, const float* dy, const float* mean,
    const float* inverse_std, Index rows, Index channels, float* dx) {
  const Index r = global_index() / warp_size;
  if (r >= rows) return;
  const float* from = x + r * channels;
  const float* gradient = dy + r * channels;
  float* to = dx + r * channels;
  const float centre = mean[r];
  const float scale = inverse_std[r];
  float shift = 0;
  float slope = 0;
  for (Index c = lane_index(); c < channels; c += warp_size) {
    const float scaled = gradient[c] * gamma[c];
    shift += scaled;
    slope = fmaf(scaled, from[c] - centre, slope);
  }
  const auto count = static_cast<float>(channels);
  const float less = warp_sum(shift) / count;
  const float along = warp_sum(slope) / count * scale * scale;
  for (Index c = lane_index(); c < channels; c += warp_size) {
    const float centred = fmaf(gradient[c], gamma[c], -less);
    to[c] = scale * fmaf(-along, from[c] - centre, centred);
  }
}

}  // namespace

void layer_norm(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta, Tensor<float> y) {
  Session& session = context.session();
  const Index channels = channels_of(x.shape());
  const Index rows = x.size() / channels;
  launch<layer_norm_kernel>(session, one_thread_each(session, rows * warp_size), x.data(),
                            gamma.data(), beta.data(), options.epsilon, rows, channels, y.data());
}

void layer_norm_backward(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta) {
  Session& session = context.session();
  const Index channels = channels_of(x.shape());
  const Index rows = x.size() / channels;
  const Index blocks = (rows + block_rows - 1) / block_rows;
  const Index partial = blocks * channels;
  auto* mean = session.scratch<float>(0, 2 * rows + 2 * partial);
  float* inverse_std = mean + rows;
  float* products = inverse_std + rows;
  float* sums = products + partial;
  const Extent1d warp_each = one_thread_each(session, rows * warp_size);
  launch<row_statistics_kernel>(session, warp_each, x.data(), options.epsilon, rows, channels, mean,
                                inverse_std);
  launch<layer_products_kernel>(session, one_thread_each(session, partial), x.data(), dy.data(),
                                mean, inverse_std, rows, channels, partial, products, sums);
  launch<join_layer_products_kernel>(session, column_blocks(session, 1, channels), products, sums,
                                     blocks, channels, dgamma.data(), dbeta.data());
  // Last, for dx may be dy.
  if (dx.data() == nullptr) return;
  launch<layer_norm_backward_kernel>(session, warp_each, x.data(), gamma.data(), dy.data(), mean,
                                     inverse_std, rows, channels, dx.data());
}

}  // namespace serenade::cuda
