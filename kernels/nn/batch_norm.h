#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/lengths.h"

namespace serenade {

struct BatchNormOptions {
  double momentum = 0.99;
  double epsilon = 1e-3;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("momentum", self.momentum, Range{0, 1}, "share of the running statistics kept a step");
    visit("epsilon", self.epsilon, Range{0, 1, true}, "added to the variance");
  }
};

/// What training statistics are learned and kept: gamma and beta are trained, the running
/// statistics follow the batches. All [channels].
struct BatchNormStatistics {
  Tensor<float> mean;              ///< of this batch
  Tensor<float> inverse_std;       ///< 1 / sqrt(variance + epsilon) of this batch
  Tensor<float> running_mean;      ///< running = momentum running + (1 - momentum) batch
  Tensor<float> running_variance;  ///< likewise, of the biased variance, as Keras
};

/// Normalises every channel by the statistics of the batch over all its rows:
/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the biased variance
/// (divided by the number of rows), and moves the running statistics.
/// x, y [rows, channels] or [batch, time, channels]; gamma, beta [channels]. y may be x.
/// Throws ShapeError where these do not fit, or without a row.
///
/// With lengths only the steps that are a row's own count as rows, here and in the gradients; what
/// y and dx hold behind them is unspecified.
void batch_norm(Context&, const BatchNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, const BatchNormStatistics&, Tensor<float> y,
                const Lengths& lengths = {});

/// Gradients through the statistics too; `statistics` as batch_norm left them. dx may be dy, or an
/// empty view where it is not wanted.
void batch_norm_backward(Context&, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics&, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta, const Lengths& lengths = {});

/// The same formula with the running statistics: a row's result depends on that row alone.
void batch_norm_inference(Context&, const BatchNormOptions&, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y);

namespace cpu {
void batch_norm(Context&, const BatchNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, const BatchNormStatistics&, Tensor<float> y,
                const Lengths& lengths);
void batch_norm_backward(Context&, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics&, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta, const Lengths& lengths);
void batch_norm_inference(Context&, const BatchNormOptions&, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y);
}  // namespace cpu

namespace cuda {
void batch_norm(Context&, const BatchNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, const BatchNormStatistics&, Tensor<float> y,
                const Lengths& lengths);
void batch_norm_backward(Context&, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics&, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta, const Lengths& lengths);
void batch_norm_inference(Context&, const BatchNormOptions&, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y);
}  // namespace cuda

}  // namespace serenade
