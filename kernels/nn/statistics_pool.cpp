#include "kernels/nn/statistics_pool.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

void check(std::string_view operation, const Shape& x, const Shape& y) {
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  if (x[1] < 1) throw ShapeError(std::string(operation) + ": x has no time step");
  expect_shape(operation, "y", y, Shape{x[0], 2 * x[2]});
}

}  // namespace

void statistics_pool(Context& context, const StatisticsPoolOptions& options, Tensor<const float> x,
                     Tensor<float> y, const Lengths& lengths) {
  check_ranges(options);
  check("statistics_pool", x.shape(), y.shape());
  expect_lengths("statistics_pool", lengths, x.extent(0));
  expect_on_device("statistics_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda)
      return cuda::statistics_pool(context, options, x, y, lengths);
  }
  cpu::statistics_pool(context, options, x, y, lengths);
}

void statistics_pool_backward(Context& context, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  constexpr std::string_view operation = "statistics_pool_backward";
  check(operation, x.shape(), y.shape());
  expect_shape(operation, "dy", dy.shape(), y.shape());
  expect_shape(operation, "dx", dx.shape(), x.shape());
  expect_lengths(operation, lengths, x.extent(0));
  expect_on_device(operation, context, x, y, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::statistics_pool_backward(context, x, y, dy, dx, lengths);
    }
  }
  cpu::statistics_pool_backward(context, x, y, dy, dx, lengths);
}

namespace cpu {

void statistics_pool(Context& context, const StatisticsPoolOptions& options, Tensor<const float> x,
                     Tensor<float> y, const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2);
  const auto epsilon = static_cast<float>(options.epsilon);
  context.parallel(x.extent(0), [&](Index item) {
    const Index own = steps_of(lengths.data(), item, time);
    const auto steps = static_cast<float>(own);
    const float* from = x.data() + item * time * channels;
    float* __restrict mean = y.data() + item * 2 * channels;
    float* __restrict deviation = mean + channels;
    std::fill_n(mean, 2 * channels, 0.0F);
    for (Index t = 0; t < own; ++t) {
      const float* __restrict row = from + t * channels;
      for (Index c = 0; c < channels; ++c) mean[c] += row[c];
    }
    for (Index c = 0; c < channels; ++c) mean[c] /= steps;
    for (Index t = 0; t < own; ++t) {
      const float* __restrict row = from + t * channels;
      for (Index c = 0; c < channels; ++c) {
        const float difference = row[c] - mean[c];
        deviation[c] = std::fma(difference, difference, deviation[c]);
      }
    }
    for (Index c = 0; c < channels; ++c) {
      deviation[c] = std::sqrt(deviation[c] / steps + epsilon);
    }
  });
}

/// dx[t] = (dmean + dstd (x[t] - mean) / std) / time
void statistics_pool_backward(Context& context, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2);
  float* factors = context.scratch(y.size()).data();
  context.parallel(x.extent(0), [&](Index item) {
    const Index own = steps_of(lengths.data(), item, time);
    const auto steps = static_cast<float>(own);
    const float* mean = y.data() + item * 2 * channels;
    const float* gradient = dy.data() + item * 2 * channels;
    float* __restrict shift = factors + item * 2 * channels;
    float* __restrict slope = shift + channels;
    for (Index c = 0; c < channels; ++c) {
      shift[c] = gradient[c] / steps;
      slope[c] = gradient[channels + c] / (steps * mean[channels + c]);
    }
    std::fill_n(dx.data() + (item * time + own) * channels, (time - own) * channels, 0.0F);
    for (Index t = 0; t < own; ++t) {
      const float* from = x.data() + (item * time + t) * channels;
      float* __restrict to = dx.data() + (item * time + t) * channels;
      for (Index c = 0; c < channels; ++c) {
        to[c] = std::fma(from[c] - mean[c], slope[c], shift[c]);
      }
    }
  });
}

}  // namespace cpu
}  // namespace serenade
