#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/device/context.h"

namespace serenade {

/// What a clip keeps of itself when it is mixed (Zhang et al. 2018, lambda): a draw of Beta(alpha,
/// alpha) by Philox(seed)(0, utterance, step, Purpose::mixup). From two uniform numbers u and v, of
/// 52 bits each, comes a number of Student's t distribution with 2 alpha degrees of freedom (Bailey
/// 1994), which is made one of Beta (Devroye 1996): 1/2 +- 1/2 / sqrt(1 + 1 / ((u^(-1/alpha) - 1)
/// cos^2(2 pi v))), of the cosine's sign. Nothing is rejected. Computed in float64 on the host,
/// whatever device trains, and rounded once. alpha above 0.
float mixup_share(double alpha, std::uint64_t seed, std::uint32_t utterance, std::uint32_t step);

/// share own + (1 - share) other; the same bits on every device.
constexpr float mixed(float share, float own, float other) {
  return std::fma(share, own, (1.0F - share) * other);
}

/// What the clips of an epoch keep, on the context's device.
struct MixupShares {
  Tensor<const float> shares;         ///< [clips], in the epoch's order
  Index batch_size = 0;               ///< batch i begins at i batch_size
  Tensor<const std::uint32_t> index;  ///< [1], which batch this is: CurrentStep's
};

/// y[b] = mixed(the share of row b, x[b], x[(b + 1) mod rows]): a clip's partner is the next of the
/// batch, which the epoch's shuffling chose. x, y [rows, ...], not the same. Throws ShapeError
/// where these do not fit.
void mixup(Context&, const MixupShares&, Tensor<const float> x, Tensor<float> y);

/// A mixed row is as long as the longer of the two: y[b] = max(x[b], x[(b + 1) mod rows]) for
/// lengths x, y [rows], not the same. Throws ShapeError where these do not fit.
void mixup_lengths(Context&, Tensor<const std::int32_t> x, Tensor<std::int32_t> y);

namespace cpu {
void mixup(Context&, const MixupShares&, Tensor<const float> x, Tensor<float> y);
void mixup_lengths(Context&, Tensor<const std::int32_t> x, Tensor<std::int32_t> y);
}  // namespace cpu

namespace cuda {
void mixup(Context&, const MixupShares&, Tensor<const float> x, Tensor<float> y);
void mixup_lengths(Context&, Tensor<const std::int32_t> x, Tensor<std::int32_t> y);
}  // namespace cuda

}  // namespace serenade
