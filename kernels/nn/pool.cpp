#include "kernels/nn/pool.h"

#include <algorithm>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

Index stride_of(const PoolOptions& options) { return options.stride.value_or(options.pool_size); }

void check_pool(std::string_view operation, const PoolOptions& options, const Shape& x,
                const Shape& y) {
  check_ranges(options);
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  expect_shape(operation, "y", y, Shape{x[0], pool_output_time(options, x[1]), x[2]});
}

void check_global(std::string_view operation, const Shape& x, const Shape& y) {
  expect_rank(operation, "x", x, 3, "[batch, time, channels]");
  if (x[1] < 1) throw ShapeError(std::string(operation) + ": x has no time step");
  expect_shape(operation, "y", y, Shape{x[0], x[2]});
}

/// Global max pooling is max pooling with one window over all steps.
MaxPoolOptions whole(Index time) { return {{static_cast<int>(time), {}}}; }

}  // namespace

Index pool_output_time(const PoolOptions& options, Index time) {
  return time < options.pool_size ? 0 : (time - options.pool_size) / stride_of(options) + 1;
}

void max_pool(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
              Tensor<float> y) {
  check_pool("max_pool", options, x.shape(), y.shape());
  expect_on_device("max_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::max_pool(context, options, x, y);
  }
  cpu::max_pool(context, options, x, y);
}

void max_pool_backward(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx) {
  check_pool("max_pool_backward", options, x.shape(), dy.shape());
  expect_shape("max_pool_backward", "dx", dx.shape(), x.shape());
  expect_on_device("max_pool_backward", context, x, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::max_pool_backward(context, options, x, dy, dx);
    }
  }
  cpu::max_pool_backward(context, options, x, dy, dx);
}

void average_pool(Context& context, const AveragePoolOptions& options, Tensor<const float> x,
                  Tensor<float> y) {
  check_pool("average_pool", options, x.shape(), y.shape());
  expect_on_device("average_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::average_pool(context, options, x, y);
  }
  cpu::average_pool(context, options, x, y);
}

void average_pool_backward(Context& context, const AveragePoolOptions& options,
                           Tensor<const float> dy, Tensor<float> dx) {
  check_pool("average_pool_backward", options, dx.shape(), dy.shape());
  expect_on_device("average_pool_backward", context, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::average_pool_backward(context, options, dy, dx);
    }
  }
  cpu::average_pool_backward(context, options, dy, dx);
}

void global_average_pool(Context& context, Tensor<const float> x, Tensor<float> y) {
  check_global("global_average_pool", x.shape(), y.shape());
  expect_on_device("global_average_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::global_average_pool(context, x, y);
  }
  cpu::global_average_pool(context, x, y);
}

void global_average_pool_backward(Context& context, Tensor<const float> dy, Tensor<float> dx) {
  check_global("global_average_pool_backward", dx.shape(), dy.shape());
  expect_on_device("global_average_pool_backward", context, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::global_average_pool_backward(context, dy, dx);
    }
  }
  cpu::global_average_pool_backward(context, dy, dx);
}

void global_max_pool(Context& context, Tensor<const float> x, Tensor<float> y) {
  check_global("global_max_pool", x.shape(), y.shape());
  max_pool(context, whole(x.extent(1)), x, y.reshape({y.extent(0), 1, y.extent(1)}));
}

void global_max_pool_backward(Context& context, Tensor<const float> x, Tensor<const float> dy,
                              Tensor<float> dx) {
  check_global("global_max_pool_backward", x.shape(), dy.shape());
  max_pool_backward(context, whole(x.extent(1)), x, dy.reshape({dy.extent(0), 1, dy.extent(1)}),
                    dx);
}

namespace cpu {

void max_pool(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
              Tensor<float> y) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = y.extent(1);
  const Index stride = stride_of(options);
  context.parallel(x.extent(0), [&](Index item) {
    for (Index o = 0; o < out_time; ++o) {
      const float* window = x.data() + (item * time + o * stride) * channels;
      float* __restrict to = y.data() + (item * out_time + o) * channels;
      std::copy_n(window, channels, to);
      for (Index t = 1; t < options.pool_size; ++t) {
        const float* __restrict from = window + t * channels;
        // a NaN wins, so that it is not lost on the way to the loss
        for (Index c = 0; c < channels; ++c) to[c] = to[c] >= from[c] ? to[c] : from[c];
      }
    }
  });
}

void max_pool_backward(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = dy.extent(1);
  const Index stride = stride_of(options);
  context.parallel(x.extent(0), [&](Index item) {
    std::fill_n(dx.data() + item * time * channels, time * channels, 0.0F);
    for (Index o = 0; o < out_time; ++o) {
      const Index begin = (item * time + o * stride) * channels;
      const float* window = x.data() + begin;
      float* to = dx.data() + begin;
      const float* gradient = dy.data() + (item * out_time + o) * channels;
      for (Index c = 0; c < channels; ++c) {
        Index first = 0;
        for (Index t = 1; t < options.pool_size; ++t) {
          if (window[t * channels + c] > window[first * channels + c]) first = t;
        }
        to[first * channels + c] += gradient[c];
      }
    }
  });
}

void average_pool(Context& context, const AveragePoolOptions& options, Tensor<const float> x,
                  Tensor<float> y) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = y.extent(1);
  const Index stride = stride_of(options);
  const auto size = static_cast<float>(options.pool_size);
  context.parallel(x.extent(0), [&](Index item) {
    for (Index o = 0; o < out_time; ++o) {
      const float* window = x.data() + (item * time + o * stride) * channels;
      float* __restrict to = y.data() + (item * out_time + o) * channels;
      std::copy_n(window, channels, to);
      for (Index t = 1; t < options.pool_size; ++t) {
        const float* __restrict from = window + t * channels;
        for (Index c = 0; c < channels; ++c) to[c] += from[c];
      }
      for (Index c = 0; c < channels; ++c) to[c] /= size;
    }
  });
}

void average_pool_backward(Context& context, const AveragePoolOptions& options,
                           Tensor<const float> dy, Tensor<float> dx) {
  const Index time = dx.extent(1), channels = dx.extent(2), out_time = dy.extent(1);
  const Index stride = stride_of(options);
  const auto size = static_cast<float>(options.pool_size);
  context.parallel(dx.extent(0), [&](Index item) {
    std::fill_n(dx.data() + item * time * channels, time * channels, 0.0F);
    for (Index o = 0; o < out_time; ++o) {
      const float* gradient = dy.data() + (item * out_time + o) * channels;
      for (Index t = 0; t < options.pool_size; ++t) {
        float* __restrict to = dx.data() + (item * time + o * stride + t) * channels;
        for (Index c = 0; c < channels; ++c) to[c] += gradient[c] / size;
      }
    }
  });
}

void global_average_pool(Context& context, Tensor<const float> x, Tensor<float> y) {
  const Index time = x.extent(1), channels = x.extent(2);
  context.parallel(x.extent(0), [&](Index item) {
    const float* from = x.data() + item * time * channels;
    float* __restrict to = y.data() + item * channels;
    std::fill_n(to, channels, 0.0F);
    for (Index t = 0; t < time; ++t) {
      const float* __restrict row = from + t * channels;
      for (Index c = 0; c < channels; ++c) to[c] += row[c];
    }
    for (Index c = 0; c < channels; ++c) to[c] /= static_cast<float>(time);
  });
}

void global_average_pool_backward(Context& context, Tensor<const float> dy, Tensor<float> dx) {
  const Index time = dx.extent(1), channels = dx.extent(2);
  context.parallel(dx.extent(0), [&](Index item) {
    const float* gradient = dy.data() + item * channels;
    float* to = dx.data() + item * time * channels;
    for (Index t = 0; t < time; ++t) {
      for (Index c = 0; c < channels; ++c) {
        to[t * channels + c] = gradient[c] / static_cast<float>(time);
      }
    }
  });
}

}  // namespace cpu
}  // namespace serenade
