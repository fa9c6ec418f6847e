#include "kernels/nn/conv1d.h"

#include <algorithm>

#include "kernels/device/checks.h"
#include "kernels/nn/columns.h"
#include "kernels/nn/conv1d_paths.h"
#include "kernels/nn/convolution.h"
#include "kernels/nn/elementwise.h"

namespace serenade {
namespace {

/// Checks x [batch, time, in], y [batch, out time, filters], weights [kernel, in / groups,
/// filters].
void check(std::string_view operation, const Conv1dOptions& options, const Shape& x,
           const Shape& weights, const Shape& y) {
  check_ranges(options);
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  const Index time = conv1d_output_time(options, x[1]);
  if (time < 1) {
    throw ShapeError(std::string(operation) + ": " + std::to_string(x[1]) +
                     " time steps are fewer than the " + std::to_string(conv1d_span(options)) +
                     " that the kernel spans");
  }
  if (x[2] % options.groups != 0 || options.filters % options.groups != 0) {
    throw ShapeError(std::string(operation) + ": " + std::to_string(x[2]) + " channels and " +
                     std::to_string(options.filters) + " filters cannot be cut into " +
                     std::to_string(options.groups) + " equal groups");
  }
  expect_shape(operation, "weights", weights,
               Shape{options.kernel_size, x[2] / options.groups, options.filters});
  expect_shape(operation, "y", y, Shape{x[0], time, options.filters});
}

void check_bias(std::string_view operation, const Conv1dOptions& options, const float* bias,
                const Shape& shape) {
  if (options.use_bias) expect_shape(operation, "bias", shape, Shape{options.filters});
  if (!options.use_bias && bias != nullptr) {
    throw ShapeError(std::string(operation) + ": there is a bias although use_bias is false");
  }
}

Index left_padding(const Conv1dOptions& options, Index time, Index out_time) {
  const Index span = conv1d_span(options);
  if (options.padding == Padding::valid || options.padding == Padding::anticausal) return 0;
  if (options.padding == Padding::causal) return span - 1;
  if (options.zeros_before) return *options.zeros_before;
  return std::max<Index>(0, (out_time - 1) * options.stride + span - time) / 2;
}

}  // namespace

Index conv1d_span(const Conv1dOptions& options) {
  return Index{options.kernel_size - 1} * options.dilation + 1;
}

Index conv1d_output_time(const Conv1dOptions& options, Index time) {
  const Index stride = options.stride;
  if (options.padding != Padding::valid) return (time + stride - 1) / stride;
  const Index span = conv1d_span(options);
  return time < span ? 0 : (time - span) / stride + 1;
}

Convolution convolution_of(const Conv1dOptions& options, const Shape& x, const Shape& y) {
  return {.batch = x[0],
          .time = x[1],
          .in = x[2],
          .out_time = y[1],
          .out = y[2],
          .kernel = options.kernel_size,
          .stride = options.stride,
          .dilation = options.dilation,
          .groups = options.groups,
          .left = left_padding(options, x[1], y[1])};
}

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  check("conv1d", options, x.shape(), weights.shape(), y.shape());
  check_bias("conv1d", options, bias.data(), bias.shape());
  expect_on_device("conv1d", context, x, weights, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d(context, options, x, weights, bias, y);
    }
  }
  cpu::conv1d(context, options, x, weights, bias, y);
}

void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  check("conv1d_backward_data", options, dx.shape(), weights.shape(), dy.shape());
  expect_on_device("conv1d_backward_data", context, weights, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d_backward_data(context, options, weights, dy, dx);
    }
  }
  cpu::conv1d_backward_data(context, options, weights, dy, dx);
}

void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  check("conv1d_backward_weights", options, x.shape(), dweights.shape(), dy.shape());
  check_bias("conv1d_backward_weights", options, dbias.data(), dbias.shape());
  expect_on_device("conv1d_backward_weights", context, x, dy, dweights);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::conv1d_backward_weights(context, options, x, dy, dweights, dbias);
    }
  }
  cpu::conv1d_backward_weights(context, options, x, dy, dweights, dbias);
}

namespace cpu {
namespace {

/// The fastest way, where that by windows can be gone up to a stride.
const ConvolutionPath& path_of(const Convolution& c, Index longest_stride) {
  if (c.depthwise()) return depthwise_path;
  return c.contiguous() && c.stride <= longest_stride ? windows_path : taps_path;
}

}  // namespace

void add_partial_sums(Context& context, const float* sums, Index count, Index size, float* total) {
  constexpr Index share = 16384;
  parallel_ranges(context, size, share, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float sum = 0;
      for (Index part = 0; part < count; ++part) sum += sums[part * size + i];
      total[i] = sum;
    }
  });
}

void conv1d(Context& context, const Conv1dOptions& options, Tensor<const float> x,
            Tensor<const float> weights, Tensor<const float> bias, Tensor<float> y) {
  const Convolution c = convolution_of(options, x.shape(), y.shape());
  // With longer strides windows no longer overlap.
  path_of(c, c.kernel).forward(context, c, x, weights, bias, y);
}

void conv1d_backward_data(Context& context, const Conv1dOptions& options,
                          Tensor<const float> weights, Tensor<const float> dy, Tensor<float> dx) {
  const Convolution c = convolution_of(options, dx.shape(), dy.shape());
  path_of(c, 1).backward_data(context, c, weights, dy, dx);
}

void conv1d_backward_weights(Context& context, const Conv1dOptions& options, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias) {
  const Convolution c = convolution_of(options, x.shape(), dy.shape());
  path_of(c, 1).backward_weights(context, c, x, dy, dweights);
  if (dbias.data() != nullptr) {
    column_sums(context, dy.data(), c.batch * c.out_time, c.out, dbias.data());
  }
}

}  // namespace cpu
}  // namespace serenade
