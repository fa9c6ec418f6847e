#pragma once

#include <cstdint>
#include <span>
#include <vector>

/// Definitions of the network operations in float64, as plain loops over row-major vectors.
namespace serenade::reference {

using Doubles = std::vector<double>;

/// [batch, time, channels]
struct Extents {
  int batch = 1;
  int time = 1;
  int channels = 1;
};

/// The signal is padded with zeros first and then convolved without padding. `same` spreads the
/// zeros that ceil(time / stride) outputs take over both ends, more at the later one.
struct Convolution {
  enum class Padding { same, valid, causal, anticausal };
  int kernel = 1, filters = 1;
  Padding padding = Padding::same;
  int stride = 1, dilation = 1, groups = 1;
};
/// y [batch, out time, filters]; weights [kernel, channels / groups, filters].
Doubles conv1d(const Doubles& x, Extents shape, const Doubles& weights, const Convolution& how,
               const Doubles& bias);

Doubles dense(const Doubles& x, int batch, int features, const Doubles& weights, int units,
              const Doubles& bias);

struct Moments {
  Doubles mean;
  Doubles variance;  ///< biased: divided by the number of rows
};
Moments column_moments(const Doubles& x, int rows, int channels);
Doubles batch_norm(const Doubles& x, int rows, int channels, const Moments& moments,
                   const Doubles& gamma, const Doubles& beta, double epsilon);

/// Every row by its own moments over the channels.
Doubles layer_norm(const Doubles& x, int rows, int channels, const Doubles& gamma,
                   const Doubles& beta, double epsilon);

Doubles relu(const Doubles& x);
Doubles leaky_relu(const Doubles& x, double slope);
Doubles elu(const Doubles& x, double alpha);
Doubles gelu(const Doubles& x);  ///< x (1 + erf(x / sqrt 2)) / 2
Doubles silu(const Doubles& x);
Doubles tanh(const Doubles& x);
/// x [batch, time, channels] times the logistic function of logits [batch, channels].
Doubles channel_gate(const Doubles& x, Extents shape, const Doubles& logits);
/// x times the logistic function of as many logits.
Doubles gate(const Doubles& x, const Doubles& logits);
/// parts [groups, members, size], a weight for each group.
Doubles weighted_sum(const Doubles& parts, int members, const Doubles& weights);

/// Windows wholly inside.
Doubles max_pool(const Doubles& x, Extents shape, int pool_size, int stride);
Doubles average_pool(const Doubles& x, Extents shape, int pool_size, int stride);
Doubles global_average_pool(const Doubles& x, Extents shape);
/// Means, then sqrt(variance + epsilon): [batch, 2 channels].
Doubles statistics_pool(const Doubles& x, Extents shape, double epsilon);

/// Means by shares, a softmax over time of scores [batch, time, heads], each head's for as many
/// neighbouring channels: [batch, channels]; with deviations sqrt(variance + epsilon) behind them.
Doubles attention_pool(const Doubles& x, Extents shape, const Doubles& scores, int heads,
                       bool deviations, double epsilon);

/// The mask is drawn as kernels/nn/dropout.h says.
Doubles dropout(const Doubles& x, int batch, double rate, std::uint64_t seed, std::uint32_t step,
                std::uint32_t layer, std::span<const std::uint32_t> utterances);
/// The same mask for all steps of a channel, as kernels/nn/channel_dropout.h says.
Doubles channel_dropout(const Doubles& x, Extents shape, double rate, std::uint64_t seed,
                        std::uint32_t step, std::uint32_t layer,
                        std::span<const std::uint32_t> utterances);

Doubles softmax(const Doubles& logits, int batch, int classes);
/// One number a row.
Doubles cross_entropy(const Doubles& logits, const Doubles& targets, int batch, int classes);

/// One number under Adam in Keras' form.
struct Adam {
  double beta_1, beta_2, epsilon, weight_decay;
  double m = 0, v = 0;
  /// The value after step t, counted from 1.
  double step(double value, double gradient, double learning_rate, int t);
};

}  // namespace serenade::reference
