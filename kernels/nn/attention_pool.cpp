#include "kernels/nn/attention_pool.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/chained_sum.h"
#include "kernels/nn/elementary.h"

namespace serenade {
namespace {

void check(std::string_view operation, const Shape& x, const Shape& shares, const Shape& y) {
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  if (x[1] < 1) throw ShapeError(std::string(operation) + ": x has no time step");
  expect_rank(operation, "shares", shares, 3, "[batch, time, heads]");
  if (shares[2] < 1 || x[2] % shares[2] != 0) {
    throw ShapeError(std::string(operation) + ": " + std::to_string(shares[2]) +
                     " heads do not divide " + std::to_string(x[2]) + " channels");
  }
  expect_shape(operation, "shares", shares, Shape{x[0], x[1], shares[2]});
  const bool deviations = y.rank() == 2 && y[1] == 2 * x[2];
  expect_shape(operation, "y", y, Shape{x[0], deviations ? 2 * x[2] : x[2]});
}

}  // namespace

void attention_pool(Context& context, float epsilon, Tensor<const float> x,
                    Tensor<const float> scores, Tensor<float> shares, Tensor<float> y,
                    const Lengths& lengths) {
  constexpr std::string_view operation = "attention_pool";
  check(operation, x.shape(), shares.shape(), y.shape());
  expect_shape(operation, "scores", scores.shape(), shares.shape());
  expect_lengths(operation, lengths, x.extent(0));
  expect_on_device(operation, context, x, scores, shares, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::attention_pool(context, epsilon, x, scores, shares, y, lengths);
    }
  }
  cpu::attention_pool(context, epsilon, x, scores, shares, y, lengths);
}

void attention_pool_backward(Context& context, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores) {
  constexpr std::string_view operation = "attention_pool_backward";
  check(operation, x.shape(), shares.shape(), y.shape());
  expect_shape(operation, "dy", dy.shape(), y.shape());
  if (dx.data() != nullptr) expect_shape(operation, "dx", dx.shape(), x.shape());
  expect_shape(operation, "dscores", dscores.shape(), shares.shape());
  expect_on_device(operation, context, x, shares, y, dy, dscores);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::attention_pool_backward(context, epsilon, x, shares, y, dy, dx, dscores);
    }
  }
  cpu::attention_pool_backward(context, epsilon, x, shares, y, dy, dx, dscores);
}

namespace cpu {
namespace {

/// body(c, share) for every channel, with the share of its head.
template <class Body>
void with_shares(const float* share, Index heads, Index channels, const Body& body) {
  if (heads == channels) {
    for (Index c = 0; c < channels; ++c) body(c, share[c]);
    return;
  }
  const Index width = channels / heads;
  for (Index h = 0; h < heads; ++h) {
    const float same = share[h];
    for (Index c = h * width; c < (h + 1) * width; ++c) body(c, same);
  }
}

/// share [steps, heads] = softmax over the steps of score; `largest` and `sum` [heads] are its own.
void softmax_over_time(const float* score, Index steps, Index heads, float* __restrict largest,
                       float* __restrict sum, float* __restrict share) {
  std::copy_n(score, heads, largest);
  for (Index t = 1; t < steps; ++t) {
    const float* at = score + t * heads;
    // a NaN stays in its share
    for (Index h = 0; h < heads; ++h) largest[h] = at[h] > largest[h] ? at[h] : largest[h];
  }
  std::fill_n(sum, heads, 0.0F);
  for (Index t = 0; t < steps; ++t) {
    const float* at = score + t * heads;
    for (Index h = 0; h < heads; ++h) {
      const float power = exponential(at[h] - largest[h]);
      share[t * heads + h] = power;
      sum[h] += power;
    }
  }
  for (Index t = 0; t < steps; ++t) {
    for (Index h = 0; h < heads; ++h) share[t * heads + h] /= sum[h];
  }
}

}  // namespace

void attention_pool(Context& context, float epsilon, Tensor<const float> x,
                    Tensor<const float> scores, Tensor<float> shares, Tensor<float> y,
                    const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2), heads = scores.extent(2);
  const Index width = y.extent(1);
  float* room = context.scratch(x.extent(0) * 2 * heads).data();
  context.parallel(x.extent(0), [&](Index item) {
    const Index steps = steps_of(lengths.data(), item, time);
    float* share = shares.data() + item * time * heads;
    float* largest = room + item * 2 * heads;
    softmax_over_time(scores.data() + item * time * heads, steps, heads, largest, largest + heads,
                      share);
    std::fill(share + steps * heads, share + time * heads, 0.0F);
    const float* from = x.data() + item * time * channels;
    float* __restrict mean = y.data() + item * width;
    std::fill_n(mean, width, 0.0F);
    for (Index t = 0; t < steps; ++t) {
      const float* __restrict row = from + t * channels;
      with_shares(share + t * heads, heads, channels,
                  [=](Index c, float s) { mean[c] = std::fma(s, row[c], mean[c]); });
    }
    if (width == channels) return;
    float* __restrict deviation = mean + channels;
    for (Index t = 0; t < steps; ++t) {
      const float* __restrict row = from + t * channels;
      with_shares(share + t * heads, heads, channels, [=](Index c, float s) {
        const float difference = row[c] - mean[c];
        deviation[c] = std::fma(s * difference, difference, deviation[c]);
      });
    }
    for (Index c = 0; c < channels; ++c) deviation[c] = std::sqrt(deviation[c] + epsilon);
  });
}

/// With d = x - mean, the deviation s and v = s^2 - epsilon: dx = share (dmean + dstd d / s), and
/// dscores = share (dmean d + dstd (d^2 - v) / 2s), summed over the head's channels. (The softmax
/// subtracts from each step's gradient its mean by shares; the means of dmean x and dstd d^2 / 2s
/// are known.)
void attention_pool_backward(Context& context, float epsilon, Tensor<const float> x,
                             Tensor<const float> shares, Tensor<const float> y,
                             Tensor<const float> dy, Tensor<float> dx, Tensor<float> dscores) {
  const Index time = x.extent(1), channels = x.extent(2), heads = shares.extent(2);
  const Index width = y.extent(1), of_head = channels / heads;
  float* factors = context.scratch(x.extent(0) * 2 * channels).data();
  context.parallel(x.extent(0), [&](Index item) {
    const float* mean = y.data() + item * width;
    const float* dmean = dy.data() + item * width;
    float* __restrict half = factors + item * 2 * channels;  // dstd / 2s
    float* __restrict level = half + channels;               // dstd v / 2s
    std::fill_n(half, 2 * channels, 0.0F);
    if (width > channels) {
      for (Index c = 0; c < channels; ++c) {
        const float deviation = mean[channels + c];
        half[c] = 0.5F * dmean[channels + c] / deviation;
        level[c] = half[c] * std::fma(deviation, deviation, -epsilon);
      }
    }
    for (Index t = 0; t < time; ++t) {
      const float* row = x.data() + (item * time + t) * channels;
      const float* share = shares.data() + (item * time + t) * heads;
      float* __restrict score = dscores.data() + (item * time + t) * heads;
      const auto term = [=](Index c) {
        const float d = row[c] - mean[c];
        return std::fma(d, std::fma(half[c], d, dmean[c]), -level[c]);
      };
      if (heads == channels) {
        for (Index c = 0; c < channels; ++c) score[c] = share[c] * term(c);
      } else {
        for (Index h = 0; h < heads; ++h) {
          score[h] =
              share[h] * chained_sum(of_head, [=](Index c) { return term(h * of_head + c); });
        }
      }
      if (dx.data() == nullptr) continue;
      float* __restrict to = dx.data() + (item * time + t) * channels;
      with_shares(share, heads, channels, [=](Index c, float s) {
        to[c] = s * std::fma(2.0F * half[c], row[c] - mean[c], dmean[c]);
      });
    }
  });
}

}  // namespace cpu
}  // namespace serenade
