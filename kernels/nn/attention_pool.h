#pragma once

#include "kernels/device/context.h"
#include "kernels/nn/lengths.h"

namespace serenade {

/// Pools over time by shares that a network gives each step (Okabe et al. 2018). A head is a row of
/// scores over time that as many neighbouring channels have in common as there are channels to a
/// head: one head weighs whole steps, as many as channels weigh each by itself (Desplanques et al.
/// 2020).
/// shares[b, t, h] = softmax over t of scores[b, t, h],
/// y[b, c] = mean[c] = sum over t of shares[b, t, h(c)] x[b, t, c]; and where y is [batch, 2
/// channels], y[b, channels + c] = sqrt(sum over t of shares (x - mean)^2 + epsilon).
/// Steps behind a row's length have a share of 0. Two passes, so that an offset costs no precision;
/// sums run in ascending order of time.
/// x [batch, time, channels], scores and shares [batch, time, heads], y [batch, channels] or
/// [batch, 2 channels]. Throws ShapeError where these do not fit, heads do not divide the channels,
/// or there is no step.
void attention_pool(Context&, float epsilon, Tensor<const float> x, Tensor<const float> scores,
                    Tensor<float> shares, Tensor<float> y, const Lengths& lengths = {});

/// dx [batch, time, channels] (or an empty view where it is not wanted) and dscores [batch, time,
/// heads], overwritten; shares and y as attention_pool left them. Both are 0 where the share is.
void attention_pool_backward(Context&, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores);

namespace cpu {
void attention_pool(Context&, float epsilon, Tensor<const float> x, Tensor<const float> scores,
                    Tensor<float> shares, Tensor<float> y, const Lengths& lengths);
void attention_pool_backward(Context&, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores);
}  // namespace cpu

namespace cuda {
void attention_pool(Context&, float epsilon, Tensor<const float> x, Tensor<const float> scores,
                    Tensor<float> shares, Tensor<float> y, const Lengths& lengths);
void attention_pool_backward(Context&, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores);
}  // namespace cuda

}  // namespace serenade
