#include "kernels/nn/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/elementwise.h"
#include "kernels/nn/row_blocks.h"

namespace serenade {
namespace {

Index channels_of(const Shape& x) { return x[x.rank() - 1]; }

void check_rows(std::string_view operation, const Shape& x) {
  if (x.rank() < 2 || x.size() == 0) {
    throw ShapeError(std::string(operation) + ": x is " + to_string(x) +
                     " but must be [rows, channels] or [batch, time, channels], not empty");
  }
}

void check_lengths(std::string_view operation, const Shape& x, const Lengths& lengths) {
  if (lengths.data() == nullptr) return;
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  expect_lengths(operation, lengths, x[0]);
}

RowBlocks blocks_of(const Shape& x, const Lengths& lengths) {
  return {x.size() / channels_of(x), x.rank() == 3 ? x[1] : 1, lengths.data()};
}

void check_channels(std::string_view operation, const Shape& x, std::string_view name,
                    const Shape& found) {
  expect_shape(operation, name, found, Shape{channels_of(x)});
}

void check_statistics(std::string_view operation, const Shape& x,
                      const BatchNormStatistics& statistics) {
  check_channels(operation, x, "mean", statistics.mean.shape());
  check_channels(operation, x, "inverse_std", statistics.inverse_std.shape());
}

}  // namespace

void batch_norm(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta,
                const BatchNormStatistics& statistics, Tensor<float> y, const Lengths& lengths) {
  constexpr std::string_view operation = "batch_norm";
  check_ranges(options);
  check_rows(operation, x.shape());
  check_channels(operation, x.shape(), "gamma", gamma.shape());
  check_channels(operation, x.shape(), "beta", beta.shape());
  check_statistics(operation, x.shape(), statistics);
  check_channels(operation, x.shape(), "running_mean", statistics.running_mean.shape());
  check_channels(operation, x.shape(), "running_variance", statistics.running_variance.shape());
  expect_shape(operation, "y", y.shape(), x.shape());
  check_lengths(operation, x.shape(), lengths);
  expect_on_device(operation, context, x, gamma, beta, statistics.mean, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::batch_norm(context, options, x, gamma, beta, statistics, y, lengths);
    }
  }
  cpu::batch_norm(context, options, x, gamma, beta, statistics, y, lengths);
}

void batch_norm_backward(Context& context, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics& statistics, Tensor<const float> dy,
                         Tensor<float> dx, Tensor<float> dgamma, Tensor<float> dbeta,
                         const Lengths& lengths) {
  constexpr std::string_view operation = "batch_norm_backward";
  check_rows(operation, x.shape());
  check_channels(operation, x.shape(), "gamma", gamma.shape());
  check_statistics(operation, x.shape(), statistics);
  expect_shape(operation, "dy", dy.shape(), x.shape());
  if (dx.data() != nullptr) expect_shape(operation, "dx", dx.shape(), x.shape());
  check_channels(operation, x.shape(), "dgamma", dgamma.shape());
  check_channels(operation, x.shape(), "dbeta", dbeta.shape());
  check_lengths(operation, x.shape(), lengths);
  expect_on_device(operation, context, x, gamma, dy, dgamma, dbeta);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::batch_norm_backward(context, x, gamma, statistics, dy, dx, dgamma, dbeta,
                                       lengths);
    }
  }
  cpu::batch_norm_backward(context, x, gamma, statistics, dy, dx, dgamma, dbeta, lengths);
}

void batch_norm_inference(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y) {
  constexpr std::string_view operation = "batch_norm_inference";
  check_ranges(options);
  if (x.rank() < 2) check_rows(operation, x.shape());
  check_channels(operation, x.shape(), "gamma", gamma.shape());
  check_channels(operation, x.shape(), "beta", beta.shape());
  check_channels(operation, x.shape(), "running_mean", running_mean.shape());
  check_channels(operation, x.shape(), "running_variance", running_variance.shape());
  expect_shape(operation, "y", y.shape(), x.shape());
  expect_on_device(operation, context, x, gamma, beta, running_mean, running_variance, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::batch_norm_inference(context, options, x, gamma, beta, running_mean,
                                        running_variance, y);
    }
  }
  cpu::batch_norm_inference(context, options, x, gamma, beta, running_mean, running_variance, y);
}

namespace cpu {
namespace {

/// y = (x - mean) scale + beta, channel by channel.
void normalise(Context& context, Tensor<const float> x, const float* mean, const float* scale,
               const float* beta, Tensor<float> y) {
  const Index channels = channels_of(x.shape()), rows = x.size() / channels;
  parallel_ranges(context, rows, std::max<Index>(1, element_share / channels),
                  [=](Index begin, Index end) {
                    for (Index r = begin; r < end; ++r) {
                      const float* from = x.data() + r * channels;
                      float* to = y.data() + r * channels;
                      for (Index c = 0; c < channels; ++c) {
                        to[c] = std::fma(from[c] - mean[c], scale[c], beta[c]);
                      }
                    }
                  });
}

}  // namespace

void batch_norm(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta,
                const BatchNormStatistics& statistics, Tensor<float> y, const Lengths& lengths) {
  const Index channels = channels_of(x.shape());
  // Small enough to stay in L1 while mean and squares are taken.
  const RowBlocks cut = blocks_of(x.shape(), lengths);
  const Index blocks = cut.count();
  // Per block: means and sums of squared differences from them; then one row of scales.
  float* means = context.scratch((2 * blocks + 1) * channels).data();
  float* squares = means + blocks * channels;
  float* scale = squares + blocks * channels;
  context.parallel(blocks, [&](Index b) {
    const auto [begin, end] = cut[b];
    float* __restrict mean = means + b * channels;
    float* __restrict square = squares + b * channels;
    std::fill_n(mean, channels, 0.0F);
    std::fill_n(square, channels, 0.0F);
    if (begin == end) return;
    for (Index r = begin; r < end; ++r) {
      const float* __restrict row = x.data() + r * channels;
      for (Index c = 0; c < channels; ++c) mean[c] += row[c];
    }
    for (Index c = 0; c < channels; ++c) mean[c] /= static_cast<float>(end - begin);
    for (Index r = begin; r < end; ++r) {
      const float* __restrict row = x.data() + r * channels;
      for (Index c = 0; c < channels; ++c) {
        const float difference = row[c] - mean[c];
        square[c] = std::fma(difference, difference, square[c]);
      }
    }
  });
  // Blocks are joined by the update of Chan, Golub & LeVeque (1983), in order.
  const auto keep = options.momentum;
  for (Index c = 0; c < channels; ++c) {
    double count = 0, mean = 0, square = 0;
    for (Index b = 0; b < blocks; ++b) {
      const auto [begin, end] = cut[b];
      if (begin == end) continue;
      const auto more = static_cast<double>(end - begin);
      const double difference = double{means[b * channels + c]} - mean;
      square += double{squares[b * channels + c]} +
                difference * difference * count * more / (count + more);
      count += more;
      mean += difference * more / count;
    }
    const double variance = square / count;
    const double inverse_std = 1.0 / std::sqrt(variance + options.epsilon);
    statistics.mean.data()[c] = static_cast<float>(mean);
    statistics.inverse_std.data()[c] = static_cast<float>(inverse_std);
    scale[c] = gamma.data()[c] * statistics.inverse_std.data()[c];
    float& running_mean = statistics.running_mean.data()[c];
    float& running_variance = statistics.running_variance.data()[c];
    running_mean = static_cast<float>(keep * double{running_mean} + (1 - keep) * mean);
    running_variance = static_cast<float>(keep * double{running_variance} + (1 - keep) * variance);
  }
  normalise(context, x, statistics.mean.data(), scale, beta.data(), y);
}

/// With xhat = (x - mean) inverse_std and n rows: dbeta = sum dy, dgamma = sum dy xhat,
/// dx = gamma inverse_std (dy - dbeta / n - xhat dgamma / n).
void batch_norm_backward(Context& context, Tensor<const float> x, Tensor<const float> gamma,
                         const BatchNormStatistics& statistics, Tensor<const float> dy,
                         Tensor<float> dx, Tensor<float> dgamma, Tensor<float> dbeta,
                         const Lengths& lengths) {
  const Index channels = channels_of(x.shape()), rows = x.size() / channels;
  const RowBlocks cut = blocks_of(x.shape(), lengths);
  const Index blocks = cut.count();
  Index counted = 0;
  for (Index b = 0; b < blocks; ++b) counted += cut[b].end - cut[b].begin;
  const float* mean = statistics.mean.data();
  const float* inverse_std = statistics.inverse_std.data();
  float* sums = context.scratch((2 * blocks + 3) * channels).data();
  float* products = sums + blocks * channels;
  float* scale = products + blocks * channels;
  float* shift = scale + channels;
  float* slope = shift + channels;
  context.parallel(blocks, [&](Index b) {
    float* __restrict sum = sums + b * channels;
    float* __restrict product = products + b * channels;
    std::fill_n(sum, channels, 0.0F);
    std::fill_n(product, channels, 0.0F);
    const auto [begin, end] = cut[b];
    for (Index r = begin; r < end; ++r) {
      const float* __restrict from = x.data() + r * channels;
      const float* __restrict gradient = dy.data() + r * channels;
      for (Index c = 0; c < channels; ++c) {
        sum[c] += gradient[c];
        product[c] = std::fma(gradient[c], from[c] - mean[c], product[c]);
      }
    }
  });
  for (Index c = 0; c < channels; ++c) {
    double sum = 0, product = 0;
    for (Index b = 0; b < blocks; ++b) {
      sum += double{sums[b * channels + c]};
      product += double{products[b * channels + c]};
    }
    product *= double{inverse_std[c]};
    dbeta.data()[c] = static_cast<float>(sum);
    dgamma.data()[c] = static_cast<float>(product);
    scale[c] = gamma.data()[c] * inverse_std[c];
    shift[c] = static_cast<float>(-sum / static_cast<double>(counted));
    slope[c] = static_cast<float>(-product / static_cast<double>(counted) * double{inverse_std[c]});
  }
  if (dx.data() == nullptr) return;
  parallel_ranges(context, rows, std::max<Index>(1, element_share / channels),
                  [&](Index begin, Index end) {
                    for (Index r = begin; r < end; ++r) {
                      const float* from = x.data() + r * channels;
                      const float* gradient = dy.data() + r * channels;
                      float* to = dx.data() + r * channels;
                      for (Index c = 0; c < channels; ++c) {
                        const float centred = gradient[c] + shift[c];
                        to[c] = scale[c] * std::fma(from[c] - mean[c], slope[c], centred);
                      }
                    }
                  });
}

void batch_norm_inference(Context& context, const BatchNormOptions& options, Tensor<const float> x,
                          Tensor<const float> gamma, Tensor<const float> beta,
                          Tensor<const float> running_mean, Tensor<const float> running_variance,
                          Tensor<float> y) {
  const Index channels = channels_of(x.shape());
  if (x.size() == 0) return;
  float* scale = context.scratch(channels).data();
  for (Index c = 0; c < channels; ++c) {
    scale[c] = static_cast<float>(double{gamma.data()[c]} /
                                  std::sqrt(double{running_variance.data()[c]} + options.epsilon));
  }
  normalise(context, x, running_mean.data(), scale, beta.data(), y);
}

}  // namespace cpu
}  // namespace serenade
