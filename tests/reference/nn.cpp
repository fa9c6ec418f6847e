#include "tests/reference/nn.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/philox.h"

namespace serenade::reference {
namespace {

/// Element [b, t, c] of a row-major array [..., times, channels].
std::size_t at(int b, int t, int c, int times, int channels) {
  return (static_cast<std::size_t>(b) * static_cast<std::size_t>(times) +
          static_cast<std::size_t>(t)) *
             static_cast<std::size_t>(channels) +
         static_cast<std::size_t>(c);
}
/// Element [r, c] of a matrix.
std::size_t at(int r, int c, int columns) { return at(0, r, c, 0, columns); }

Doubles zeros(int a, int b, int c = 1) { return Doubles(at(a, 0, 0, b, c)); }

}  // namespace

Doubles conv1d(const Doubles& x, Extents shape, const Doubles& weights, const Convolution& how,
               const Doubles& bias) {
  const auto [batch, time, channels] = shape;
  const int reach = (how.kernel - 1) * how.dilation;
  int before = 0, after = 0;
  if (how.padding == Convolution::Padding::causal) before = reach;
  if (how.padding == Convolution::Padding::anticausal) after = reach;
  if (how.padding == Convolution::Padding::same) {
    const int outputs = (time + how.stride - 1) / how.stride;
    const int zeros_needed = std::max(0, (outputs - 1) * how.stride + reach + 1 - time);
    before = zeros_needed / 2;
    after = zeros_needed - before;
  }
  const int out_time = (before + time + after - reach - 1) / how.stride + 1;
  const int group_channels = channels / how.groups, group_filters = how.filters / how.groups;
  Doubles y = zeros(batch, out_time, how.filters);
  for (int b = 0; b < batch; ++b) {
    for (int t = 0; t < out_time; ++t) {
      for (int f = 0; f < how.filters; ++f) {
        double sum = bias.empty() ? 0 : bias[at(0, f, how.filters)];
        for (int j = 0; j < how.kernel; ++j) {
          const int source = t * how.stride + j * how.dilation - before;
          if (source < 0 || source >= time) continue;
          for (int c = 0; c < group_channels; ++c) {
            const int channel = f / group_filters * group_channels + c;
            sum += x[at(b, source, channel, time, channels)] *
                   weights[at(j, c, f, group_channels, how.filters)];
          }
        }
        y[at(b, t, f, out_time, how.filters)] = sum;
      }
    }
  }
  return y;
}

Doubles dense(const Doubles& x, int batch, int features, const Doubles& weights, int units,
              const Doubles& bias) {
  Doubles y = zeros(batch, units);
  for (int b = 0; b < batch; ++b) {
    for (int u = 0; u < units; ++u) {
      double sum = bias.empty() ? 0 : bias[at(0, u, units)];
      for (int i = 0; i < features; ++i) sum += x[at(b, i, features)] * weights[at(i, u, units)];
      y[at(b, u, units)] = sum;
    }
  }
  return y;
}

Moments column_moments(const Doubles& x, int rows, int channels) {
  Moments moments{zeros(1, channels), zeros(1, channels)};
  for (int c = 0; c < channels; ++c) {
    double& mean = moments.mean[at(0, c, channels)];
    double& variance = moments.variance[at(0, c, channels)];
    for (int r = 0; r < rows; ++r) mean += x[at(r, c, channels)] / rows;
    for (int r = 0; r < rows; ++r) variance += std::pow(x[at(r, c, channels)] - mean, 2) / rows;
  }
  return moments;
}

Doubles batch_norm(const Doubles& x, int rows, int channels, const Moments& moments,
                   const Doubles& gamma, const Doubles& beta, double epsilon) {
  Doubles y = zeros(rows, channels);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < channels; ++c) {
      const auto i = at(r, c, channels);
      const auto k = at(0, c, channels);
      y[i] =
          gamma[k] * (x[i] - moments.mean[k]) / std::sqrt(moments.variance[k] + epsilon) + beta[k];
    }
  }
  return y;
}

Doubles layer_norm(const Doubles& x, int rows, int channels, const Doubles& gamma,
                   const Doubles& beta, double epsilon) {
  Doubles y = zeros(rows, channels);
  for (int r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (int c = 0; c < channels; ++c) mean += x[at(r, c, channels)] / channels;
    for (int c = 0; c < channels; ++c) {
      variance += std::pow(x[at(r, c, channels)] - mean, 2) / channels;
    }
    for (int c = 0; c < channels; ++c) {
      const auto i = at(r, c, channels), k = at(0, c, channels);
      y[i] = gamma[k] * (x[i] - mean) / std::sqrt(variance + epsilon) + beta[k];
    }
  }
  return y;
}

namespace {

template <class Function>
Doubles each(const Doubles& x, const Function& function) {
  Doubles y;
  for (const double value : x) y.push_back(function(value));
  return y;
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

Doubles leaky_relu(const Doubles& x, double slope) {
  return each(x, [=](double v) { return v > 0 ? v : slope * v; });
}
Doubles elu(const Doubles& x, double alpha) {
  return each(x, [=](double v) { return v > 0 ? v : alpha * std::expm1(v); });
}
Doubles gelu(const Doubles& x) {
  return each(x, [](double v) { return v * std::erfc(-v / std::sqrt(2.0)) / 2; });
}
Doubles tanh(const Doubles& x) {
  Doubles y;
  for (const double value : x) y.push_back(std::tanh(value));
  return y;
}

Doubles silu(const Doubles& x) {
  return each(x, [](double v) { return v * logistic(v); });
}

Doubles channel_gate(const Doubles& x, Extents shape, const Doubles& logits) {
  const auto [batch, time, channels] = shape;
  Doubles y = x;
  for (int b = 0; b < batch; ++b) {
    for (int t = 0; t < time; ++t) {
      for (int c = 0; c < channels; ++c) {
        y[at(b, t, c, time, channels)] *= logistic(logits[at(b, c, channels)]);
      }
    }
  }
  return y;
}

Doubles gate(const Doubles& x, const Doubles& logits) {
  Doubles y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * logistic(logits[i]);
  return y;
}

Doubles weighted_sum(const Doubles& parts, int members, const Doubles& weights) {
  const auto count = static_cast<std::size_t>(members);
  const std::size_t size = parts.size() / weights.size() / count;
  Doubles y(size);
  for (std::size_t part = 0; part < weights.size() * count; ++part) {
    for (std::size_t i = 0; i < size; ++i) y[i] += weights[part / count] * parts[part * size + i];
  }
  return y;
}

Doubles relu(const Doubles& x) {
  Doubles y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] > 0 ? x[i] : 0;
  return y;
}

Doubles max_pool(const Doubles& x, Extents shape, int pool_size, int stride) {
  const auto [batch, time, channels] = shape;
  const int out_time = (time - pool_size) / stride + 1;
  Doubles y = zeros(batch, out_time, channels);
  for (int b = 0; b < batch; ++b) {
    for (int o = 0; o < out_time; ++o) {
      for (int c = 0; c < channels; ++c) {
        double largest = x[at(b, o * stride, c, time, channels)];
        for (int t = 1; t < pool_size; ++t) {
          largest = std::max(largest, x[at(b, o * stride + t, c, time, channels)]);
        }
        y[at(b, o, c, out_time, channels)] = largest;
      }
    }
  }
  return y;
}

Doubles average_pool(const Doubles& x, Extents shape, int pool_size, int stride) {
  const auto [batch, time, channels] = shape;
  const int out_time = (time - pool_size) / stride + 1;
  Doubles y = zeros(batch, out_time, channels);
  for (int b = 0; b < batch; ++b) {
    for (int o = 0; o < out_time; ++o) {
      for (int c = 0; c < channels; ++c) {
        double& mean = y[at(b, o, c, out_time, channels)];
        for (int t = 0; t < pool_size; ++t) {
          mean += x[at(b, o * stride + t, c, time, channels)] / pool_size;
        }
      }
    }
  }
  return y;
}

Doubles statistics_pool(const Doubles& x, Extents shape, double epsilon) {
  const auto [batch, time, channels] = shape;
  const Doubles means = global_average_pool(x, shape);
  Doubles y = zeros(batch, 2 * channels);
  for (int b = 0; b < batch; ++b) {
    for (int c = 0; c < channels; ++c) {
      const double mean = means[at(b, c, channels)];
      double variance = 0;
      for (int t = 0; t < time; ++t) {
        variance += std::pow(x[at(b, t, c, time, channels)] - mean, 2) / time;
      }
      y[at(b, c, 2 * channels)] = mean;
      y[at(b, channels + c, 2 * channels)] = std::sqrt(variance + epsilon);
    }
  }
  return y;
}

Doubles global_average_pool(const Doubles& x, Extents shape) {
  const auto [batch, time, channels] = shape;
  Doubles y = zeros(batch, channels);
  for (int b = 0; b < batch; ++b) {
    for (int t = 0; t < time; ++t) {
      for (int c = 0; c < channels; ++c) {
        y[at(b, c, channels)] += x[at(b, t, c, time, channels)] / time;
      }
    }
  }
  return y;
}

Doubles attention_pool(const Doubles& x, Extents shape, const Doubles& scores, int heads,
                       bool deviations, double epsilon) {
  const auto [batch, time, channels] = shape;
  const int width = deviations ? 2 * channels : channels;
  Doubles y = zeros(batch, width);
  for (int b = 0; b < batch; ++b) {
    for (int c = 0; c < channels; ++c) {
      const int head = c / (channels / heads);
      Doubles of_head(static_cast<std::size_t>(time));
      for (int t = 0; t < time; ++t) of_head[at(0, t, 1)] = scores[at(b, t, head, time, heads)];
      const Doubles shares = softmax(of_head, 1, time);
      double mean = 0, variance = 0;
      for (int t = 0; t < time; ++t) mean += shares[at(0, t, 1)] * x[at(b, t, c, time, channels)];
      for (int t = 0; t < time; ++t) {
        variance += shares[at(0, t, 1)] * std::pow(x[at(b, t, c, time, channels)] - mean, 2);
      }
      y[at(b, c, width)] = mean;
      if (deviations) y[at(b, channels + c, width)] = std::sqrt(variance + epsilon);
    }
  }
  return y;
}

Doubles dropout(const Doubles& x, int batch, double rate, std::uint64_t seed, std::uint32_t step,
                std::uint32_t layer, std::span<const std::uint32_t> utterances) {
  const Philox philox(seed);
  const std::size_t row = x.size() / static_cast<std::size_t>(batch);
  Doubles y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto e = static_cast<std::uint32_t>(i % row);
    const auto words =
        philox({e / 4, utterances[i / row], step, purpose_of(Purpose::dropout, layer)});
    const bool kept = double{uniform(words[e % 4])} >= rate;
    y[i] = kept ? x[i] / (1 - rate) : 0;
  }
  return y;
}

Doubles channel_dropout(const Doubles& x, Extents shape, double rate, std::uint64_t seed,
                        std::uint32_t step, std::uint32_t layer,
                        std::span<const std::uint32_t> utterances) {
  const auto [batch, time, channels] = shape;
  Doubles y(x.size());
  for (int b = 0; b < batch; ++b) {
    const auto utterance = utterances[static_cast<std::size_t>(b)];
    // one step of ones shows the mask of every step
    const Doubles mask = dropout(Doubles(static_cast<std::size_t>(channels), 1.0), 1, rate, seed,
                                 step, layer, std::span(&utterance, 1));
    for (int t = 0; t < time; ++t) {
      for (int c = 0; c < channels; ++c) {
        const auto i = at(b, t, c, time, channels);
        y[i] = x[i] * mask[static_cast<std::size_t>(c)];
      }
    }
  }
  return y;
}

Doubles softmax(const Doubles& logits, int batch, int classes) {
  Doubles y(logits.size());
  for (int b = 0; b < batch; ++b) {
    double largest = logits[at(b, 0, classes)];
    for (int c = 1; c < classes; ++c) largest = std::max(largest, logits[at(b, c, classes)]);
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += std::exp(logits[at(b, c, classes)] - largest);
    for (int c = 0; c < classes; ++c) {
      y[at(b, c, classes)] = std::exp(logits[at(b, c, classes)] - largest) / sum;
    }
  }
  return y;
}

Doubles cross_entropy(const Doubles& logits, const Doubles& targets, int batch, int classes) {
  const Doubles probabilities = softmax(logits, batch, classes);
  Doubles losses = zeros(batch, 1);
  for (int b = 0; b < batch; ++b) {
    for (int c = 0; c < classes; ++c) {
      const auto i = at(b, c, classes);
      losses[at(b, 0, 1)] -= targets[i] * std::log(probabilities[i]);
    }
  }
  return losses;
}

double Adam::step(double value, double gradient, double learning_rate, int t) {
  value -= learning_rate * weight_decay * value;
  m = beta_1 * m + (1 - beta_1) * gradient;
  v = beta_2 * v + (1 - beta_2) * gradient * gradient;
  const double rate =
      learning_rate * std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t));
  return value - rate * m / (std::sqrt(v) + epsilon);
}

}  // namespace serenade::reference
