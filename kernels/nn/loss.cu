#include "kernels/nn/loss.h"

#include "kernels/device/warp.cuh"

// float64 on purpose, as the CPU twin: rows are few and short, a batch by the emotions. (Loops over
// exponentials are not unrolled: that would spill registers.)
namespace serenade::cuda {
namespace {

/// Of a row, by a warp; the same for every lane. NaN where a logit is.
__device__ inline double log_sum_exp(const float* logits, Index classes) {
  float most = logits[0];
  for (Index c = lane_index(); c < classes; c += warp_size) most = fmaxf(most, logits[c]);
  const auto largest = static_cast<double>(warp_max(most));
  double sum = 0;
#pragma unroll 1
  for (Index c = lane_index(); c < classes; c += warp_size) {
    sum += exp(static_cast<double>(logits[c]) - largest);
  }
  return largest + log(warp_sum(sum));
}

/// One warp a row: 8 bytes and one exponential or two a number. In place too: a lane writes only
/// what it alone still reads.
__global__ __launch_bounds__(most_threads) void softmax_kernel(const float* logits, Index batch,
                                                               Index classes,
                                                               float* probabilities) {
  const Index b = global_index() / warp_size;
  if (b >= batch) return;
  const float* row = logits + b * classes;
  const double log_sum = log_sum_exp(row, classes);
#pragma unroll 1
  for (Index c = lane_index(); c < classes; c += warp_size) {
    probabilities[b * classes + c] = static_cast<float>(exp(static_cast<double>(row[c]) - log_sum));
  }
}

/// One warp a row: 12 bytes a number, and the batch's weights, which every warp adds up for itself
/// (in one order): that costs less than another launch.
__global__ __launch_bounds__(most_threads) void row_losses_kernel(const float* logits,
                                                                  const float* targets,
                                                                  const float* weights, Index batch,
                                                                  Index classes, double* losses,
                                                                  float* dlogits) {
  const Index b = global_index() / warp_size;
  if (b >= batch) return;
  double total_weight = static_cast<double>(batch);
  double weight = 1;
  if (weights != nullptr) {
    total_weight = 0;
    for (Index r = lane_index(); r < batch; r += warp_size) {
      total_weight += static_cast<double>(weights[r]);
    }
    total_weight = warp_sum(total_weight);
    weight = static_cast<double>(weights[b]);
  }
  const float* row = logits + b * classes;
  const float* target = targets + b * classes;
  const double log_sum = log_sum_exp(row, classes);
  double loss = 0;
  double target_sum = 0;
#pragma unroll 1
  for (Index c = lane_index(); c < classes; c += warp_size) {
    loss -= static_cast<double>(target[c]) * (static_cast<double>(row[c]) - log_sum);
    target_sum += static_cast<double>(target[c]);
  }
  loss = warp_sum(loss);
  target_sum = warp_sum(target_sum);
  if (lane_index() == 0) losses[b] = loss;
  if (dlogits == nullptr) return;
#pragma unroll 1
  for (Index c = lane_index(); c < classes; c += warp_size) {
    const double gradient =
        exp(static_cast<double>(row[c]) - log_sum) * target_sum - static_cast<double>(target[c]);
    dlogits[b * classes + c] =
        weight > 0 ? static_cast<float>(weight / total_weight * gradient) : 0.0F;
  }
}

}  // namespace

void softmax(Context& context, Tensor<const float> logits, Tensor<float> probabilities) {
  Session& session = context.session();
  const Index batch = logits.extent(0);
  launch<softmax_kernel>(session, one_thread_each(session, batch * warp_size), logits.data(), batch,
                         logits.extent(1), probabilities.data());
}

void row_losses(Context& context, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits) {
  Session& session = context.session();
  const Index batch = logits.extent(0);
  launch<row_losses_kernel>(session, one_thread_each(session, batch * warp_size), logits.data(),
                            targets.data(), weights.data(), batch, logits.extent(1), losses.data(),
                            dlogits.data());
}

}  // namespace serenade::cuda
