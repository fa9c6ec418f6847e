#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

struct LayerNormOptions {
  double epsilon = 1e-3;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epsilon", self.epsilon, Range{0, 1, true}, "added to the variance");
  }
};

/// Normalises every row (of a sequence: every time step) by its own statistics over the channels
/// (Ba et al. 2016, as Keras over the last axis):
/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, variance divided by the channels.
/// x, y [rows, channels] or [batch, time, channels]; gamma, beta [channels]. y may be x. Sums over
/// a row are sixteen chains, one for every sixteenth channel, added in order.
/// Throws ShapeError where these do not fit, or without a channel.
void layer_norm(Context&, const LayerNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, Tensor<float> y);

/// Gradients through the statistics too. dx may be dy, or an empty view where it is not wanted.
/// dgamma and dbeta [channels], overwritten: float32 within 64 rows, the blocks added in order in
/// float64.
void layer_norm_backward(Context&, const LayerNormOptions&, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta);

namespace cpu {
void layer_norm(Context&, const LayerNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, Tensor<float> y);
void layer_norm_backward(Context&, const LayerNormOptions&, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta);
}  // namespace cpu

namespace cuda {
void layer_norm(Context&, const LayerNormOptions&, Tensor<const float> x, Tensor<const float> gamma,
                Tensor<const float> beta, Tensor<float> y);
void layer_norm_backward(Context&, const LayerNormOptions&, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta);
}  // namespace cuda

}  // namespace serenade
