#pragma once

#include "kernels/device/context.h"

namespace serenade {

/// y[i] = sum over g of weights[g] (sum over m of parts[g, m, i]): groups of tensors, a trained
/// weight for each group. Sums run in ascending order.
/// parts [groups, members, size], weights [groups], y [size]. Throws ShapeError where these do not
/// fit, or without a part.
void weighted_sum(Context&, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y);

/// dparts [groups, size] = weights[g] dy[i], the gradient of every member of the group, and
/// dweights [groups], both overwritten.
void weighted_sum_backward(Context&, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights);

namespace cpu {
void weighted_sum(Context&, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y);
void weighted_sum_backward(Context&, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights);
}  // namespace cpu

namespace cuda {
void weighted_sum(Context&, Tensor<const float> parts, Tensor<const float> weights,
                  Tensor<float> y);
void weighted_sum_backward(Context&, Tensor<const float> parts, Tensor<const float> weights,
                           Tensor<const float> dy, Tensor<float> dparts, Tensor<float> dweights);
}  // namespace cuda

}  // namespace serenade
