#include "kernels/nn/attention_pool.h"

#include "kernels/device/columns.cuh"
#include "kernels/nn/elementary.h"

namespace serenade::cuda {
namespace {

/// As sum_of_warps, the largest.
__device__ inline float max_of_warps(const ColumnBlock& at, float (&shared)[most_warps * warp_size],
                                     float value) {
  const int lane = lane_index();
  __syncthreads();  // the last use of `shared` is over
  shared[at.warp * warp_size + lane] = value;
  __syncthreads();
  float all = shared[lane];
  for (int warp = 1; warp < at.warps; ++warp) {
    const float other = shared[warp * warp_size + lane];
    all = other > all ? other : all;
  }
  return all;
}

/// A block has one item and 32 channels, its warps take turns at the steps. Every channel works its
/// head's softmax out for itself: lanes of one head read one address, and another launch would cost
/// more than their exponentials. 8 bytes a number from memory (less with fewer heads), read three
/// times more from cache; some 40 flops.
__global__ __launch_bounds__(most_threads) void attention_pool_kernel(
    const float* x, const float* scores, const std::int32_t* lengths, Index time, Index channels,
    Index heads, Index width, float epsilon, float* shares, float* y) {
  SERENADE_SHARED(float, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  const Index steps = steps_of(lengths, at.item, time);
  const Index of_head = channels / heads;
  const Index head = at.exists ? place_of(at.column, of_head).row : 0;
  const float* score = scores + at.item * time * heads + head;
  const float* from = x + at.item * time * channels + at.column;
  float largest = score[0];
  for (Index t = at.warp; t < steps; t += at.warps) {
    const float here = score[t * heads];
    largest = here > largest ? here : largest;
  }
  largest = max_of_warps(at, shared, largest);
  float sum = 0;
  for (Index t = at.warp; t < steps; t += at.warps) sum += exponential(score[t * heads] - largest);
  const float total = sum_of_warps(at, shared, sum);
  // The head's first channel writes its shares down.
  const bool first = at.exists && head * of_head == at.column;
  float* share = shares + at.item * time * heads + head;
  float mean = 0;
  if (at.exists) {
    for (Index t = at.warp; t < time; t += at.warps) {
      const float own = t < steps ? exponential(score[t * heads] - largest) / total : 0.0F;
      if (first) share[t * heads] = own;
      if (t < steps) mean = fmaf(own, from[t * channels], mean);
    }
  }
  mean = sum_of_warps(at, shared, mean);
  float* to = y + at.item * width + at.column;
  if (at.exists && at.warp == 0) to[0] = mean;
  if (width == channels) return;
  float square = 0;
  if (at.exists) {
    for (Index t = at.warp; t < steps; t += at.warps) {
      const float own = exponential(score[t * heads] - largest) / total;
      const float difference = from[t * channels] - mean;
      square = fmaf(own * difference, difference, square);
    }
  }
  square = sum_of_warps(at, shared, square);
  if (at.exists && at.warp == 0) to[channels] = sqrtf(square + epsilon);
}

/// What both ways back know of an item's channel.
struct Pooled {
  const float* y;
  const float* dy;
  Index channels, width;
  float epsilon;
};

/// Writes dx, where it is wanted, and gives the channel's part of the score's gradient.
__device__ inline float backward_of(const Pooled& pooled, Index item, Index channel, float value,
                                    float share, float* dx) {
  const Index first = item * pooled.width + channel;
  const float dmean = pooled.dy[first];
  const float difference = value - pooled.y[first];
  float half = 0;
  float level = 0;
  if (pooled.width > pooled.channels) {
    const float deviation = pooled.y[first + pooled.channels];
    half = 0.5F * pooled.dy[first + pooled.channels] / deviation;
    level = half * fmaf(deviation, deviation, -pooled.epsilon);
  }
  if (dx != nullptr) *dx = share * fmaf(2.0F * half, difference, dmean);
  return fmaf(difference, fmaf(half, difference, dmean), -level);
}

/// Heads of several channels: one warp a step and head, its lanes side by side in the channels: 8
/// bytes a number and 10 flops. (Narrow heads leave lanes idle.)
__global__ __launch_bounds__(most_threads) void attention_pool_backward_kernel(
    const float* x, const float* shares, Pooled pooled, Index time, Index heads, Index count,
    float* dx, float* dscores) {
  const Index i = global_index() / warp_size;
  if (i >= count) return;
  const Place at = place_of(i, heads);
  const Index item = place_of(at.row, time).row;
  const Index of_head = pooled.channels / heads;
  const float share = shares[i];
  float sum = 0;
  for (Index c = lane_index(); c < of_head; c += warp_size) {
    const Index channel = at.column * of_head + c;
    const Index number = at.row * pooled.channels + channel;
    sum +=
        backward_of(pooled, item, channel, x[number], share, dx != nullptr ? dx + number : nullptr);
  }
  sum = warp_sum(sum);
  if (lane_index() == 0) dscores[i] = share * sum;
}

/// A head for each channel: one thread a number, 16 bytes and 10 flops.
__global__ __launch_bounds__(most_threads) void attention_pool_by_channel_backward_kernel(
    const float* x, const float* shares, Pooled pooled, Index time, Index size, float* dx,
    float* dscores) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, pooled.channels);
  const Index item = place_of(at.row, time).row;
  const float share = shares[i];
  dscores[i] =
      share * backward_of(pooled, item, at.column, x[i], share, dx != nullptr ? dx + i : nullptr);
}

}  // namespace

void attention_pool(Context& context, float epsilon, Tensor<const float> x,
                    Tensor<const float> scores, Tensor<float> shares, Tensor<float> y,
                    const Lengths& lengths) {
  Session& session = context.session();
  launch<attention_pool_kernel>(session, column_blocks(session, x.extent(0), x.extent(2)), x.data(),
                                scores.data(), lengths.data(), x.extent(1), x.extent(2),
                                scores.extent(2), y.extent(1), epsilon, shares.data(), y.data());
}

void attention_pool_backward(Context& context, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores) {
  Session& session = context.session();
  const Index time = x.extent(1);
  const Index heads = shares.extent(2);
  const Pooled pooled{y.data(), dy.data(), x.extent(2), y.extent(1), epsilon};
  if (heads == x.extent(2)) {
    launch<attention_pool_by_channel_backward_kernel>(session, one_thread_each(session, x.size()),
                                                      x.data(), shares.data(), pooled, time,
                                                      x.size(), dx.data(), dscores.data());
  } else {
    launch<attention_pool_backward_kernel>(
        session, one_thread_each(session, shares.size() * warp_size), x.data(), shares.data(),
        pooled, time, heads, shares.size(), dx.data(), dscores.data());
  }
}

}  // namespace serenade::cuda
