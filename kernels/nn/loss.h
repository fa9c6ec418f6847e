#pragma once

#include <cstdint>
#include <span>

#include "kernels/device/context.h"

namespace serenade {

/// probabilities[b, c] = exp(logits[b, c]) / sum over classes, stable for any finite logits. Both
/// [batch, classes]; they may be the same. Computed in float64, row by row. Throws ShapeError where
/// the shapes differ or there is no class.
void softmax(Context&, Tensor<const float> logits, Tensor<float> probabilities);

/// Cross-entropy of softmax(logits) with targets, which are probabilities (one-hot or soft):
/// losses[b] = - sum over c of targets[b, c] log softmax(logits)[b, c], in float64.
/// logits, targets [batch, classes]; weights [batch], or an empty view for all ones;
/// losses [batch]; dlogits [batch, classes] = gradient of mean_loss, or an empty view. A row of
/// weight 0 gets no gradient. On a GPU nothing is waited for. Throws ShapeError where these do not
/// fit.
void row_losses(Context&, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits);

/// Sum of weights x losses over sum of weights, added in row order (0 where all weights are 0);
/// without weights, the mean. A row of weight 0 does not count, whatever its loss. Host memory.
double mean_loss(std::span<const double> losses, std::span<const float> weights = {});

/// row_losses, waited for: returns their mean_loss. losses [batch] are rounded to float32.
double softmax_cross_entropy(Context&, Tensor<const float> logits, Tensor<const float> targets,
                             Tensor<const float> weights, Tensor<float> losses,
                             Tensor<float> dlogits);

/// targets [batch, classes]: 1 at labels[b], else 0. Throws ShapeError where a label is no class.
void one_hot(std::span<const std::int32_t> labels, Tensor<float> targets);

/// A target of 0 or 1 with a share of it spread over all classes alike.
float smoothed(double smoothing, Index classes, float target);

/// targets [batch, classes] = (1 - smoothing) targets + smoothing / classes (Szegedy et al. 2016,
/// as PyTorch and Keras). Throws ConfigError for a smoothing outside [0, 1).
void smooth_labels(double smoothing, Tensor<float> targets);

namespace cpu {
void softmax(Context&, Tensor<const float> logits, Tensor<float> probabilities);
void row_losses(Context&, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits);
}  // namespace cpu

namespace cuda {
void softmax(Context&, Tensor<const float> logits, Tensor<float> probabilities);
void row_losses(Context&, Tensor<const float> logits, Tensor<const float> targets,
                Tensor<const float> weights, Tensor<double> losses, Tensor<float> dlogits);
}  // namespace cuda

}  // namespace serenade
