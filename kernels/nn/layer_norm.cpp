#include "kernels/nn/layer_norm.h"

#include <algorithm>
#include <cmath>

#include "kernels/device/checks.h"
#include "kernels/nn/chained_sum.h"

namespace serenade {
namespace {

Index channels_of(const Shape& x) { return x[x.rank() - 1]; }

void check(std::string_view operation, const LayerNormOptions& options, const Shape& x,
           const Shape& gamma) {
  check_ranges(options);
  if (x.rank() < 2 || channels_of(x) < 1) {
    throw ShapeError(std::string(operation) + ": x is " + to_string(x) +
                     " but must be [rows, channels] or [batch, time, channels]");
  }
  expect_shape(operation, "gamma", gamma, Shape{channels_of(x)});
}

}  // namespace

void layer_norm(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta, Tensor<float> y) {
  check("layer_norm", options, x.shape(), gamma.shape());
  expect_shape("layer_norm", "beta", beta.shape(), gamma.shape());
  expect_shape("layer_norm", "y", y.shape(), x.shape());
  expect_on_device("layer_norm", context, x, gamma, beta, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::layer_norm(context, options, x, gamma, beta, y);
    }
  }
  cpu::layer_norm(context, options, x, gamma, beta, y);
}

void layer_norm_backward(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta) {
  constexpr std::string_view operation = "layer_norm_backward";
  check(operation, options, x.shape(), gamma.shape());
  expect_shape(operation, "dy", dy.shape(), x.shape());
  if (dx.data() != nullptr) expect_shape(operation, "dx", dx.shape(), x.shape());
  expect_shape(operation, "dgamma", dgamma.shape(), gamma.shape());
  expect_shape(operation, "dbeta", dbeta.shape(), gamma.shape());
  expect_on_device(operation, context, x, gamma, dy, dgamma, dbeta);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::layer_norm_backward(context, options, x, gamma, dy, dx, dgamma, dbeta);
    }
  }
  cpu::layer_norm_backward(context, options, x, gamma, dy, dx, dgamma, dbeta);
}

namespace cpu {
namespace {

// Rows of one chunk, whose sums for gamma and beta are float32.
constexpr Index block = 64;

struct RowStatistics {
  float mean, inverse_std;
};

RowStatistics statistics_of(const float* row, Index channels, double epsilon) {
  const auto count = static_cast<float>(channels);
  const float mean = chained_sum(channels, [=](Index c) { return row[c]; }) / count;
  const float square = chained_sum(channels, [=](Index c) {
    const float difference = row[c] - mean;
    return difference * difference;
  });
  return {mean, static_cast<float>(1.0 / std::sqrt(double{square / count} + epsilon))};
}

}  // namespace

void layer_norm(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                Tensor<const float> gamma, Tensor<const float> beta, Tensor<float> y) {
  const Index channels = channels_of(x.shape()), rows = x.size() / channels;
  context.parallel((rows + block - 1) / block, [&](Index b) {
    for (Index r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const float* from = x.data() + r * channels;
      float* to = y.data() + r * channels;
      const auto [mean, inverse_std] = statistics_of(from, channels, options.epsilon);
      for (Index c = 0; c < channels; ++c) {
        to[c] = std::fma((from[c] - mean) * inverse_std, gamma.data()[c], beta.data()[c]);
      }
    }
  });
}

/// With xhat = (x - mean) inverse_std and g = gamma dy, over a row's channels:
/// dx = inverse_std (g - mean(g) - xhat mean(g xhat)).
void layer_norm_backward(Context& context, const LayerNormOptions& options, Tensor<const float> x,
                         Tensor<const float> gamma, Tensor<const float> dy, Tensor<float> dx,
                         Tensor<float> dgamma, Tensor<float> dbeta) {
  const Index channels = channels_of(x.shape()), rows = x.size() / channels;
  const Index blocks = (rows + block - 1) / block;
  const auto count = static_cast<float>(channels);
  float* partial = context.scratch(2 * blocks * channels).data();
  context.parallel(blocks, [&](Index b) {
    float* __restrict products = partial + 2 * b * channels;
    float* __restrict sums = products + channels;
    std::fill_n(products, 2 * channels, 0.0F);
    for (Index r = b * block; r < std::min(rows, (b + 1) * block); ++r) {
      const float* from = x.data() + r * channels;
      const float* gradient = dy.data() + r * channels;
      const auto [mean, inverse_std] = statistics_of(from, channels, options.epsilon);
      for (Index c = 0; c < channels; ++c) {
        products[c] = std::fma(gradient[c], (from[c] - mean) * inverse_std, products[c]);
        sums[c] += gradient[c];
      }
      if (dx.data() == nullptr) continue;
      const float* scale = gamma.data();
      const float shift = chained_sum(channels, [=](Index c) { return gradient[c] * scale[c]; });
      const float slope = chained_sum(channels, [=, mean = mean](Index c) {
        return gradient[c] * scale[c] * (from[c] - mean);
      });
      const float less = shift / count;
      const float along = slope / count * inverse_std * inverse_std;
      float* to = dx.data() + r * channels;
      for (Index c = 0; c < channels; ++c) {
        const float centred = std::fma(gradient[c], scale[c], -less);
        to[c] = inverse_std * std::fma(-along, from[c] - mean, centred);
      }
    }
  });
  for (Index c = 0; c < channels; ++c) {
    double product = 0, sum = 0;
    for (Index b = 0; b < blocks; ++b) {
      product += double{partial[2 * b * channels + c]};
      sum += double{partial[(2 * b + 1) * channels + c]};
    }
    dgamma.data()[c] = static_cast<float>(product);
    dbeta.data()[c] = static_cast<float>(sum);
  }
}

}  // namespace cpu
}  // namespace serenade
