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
              Tensor<float> y, const Lengths& lengths) {
  check_pool("max_pool", options, x.shape(), y.shape());
  expect_lengths("max_pool", lengths, x.extent(0));
  expect_on_device("max_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::max_pool(context, options, x, y, lengths);
  }
  cpu::max_pool(context, options, x, y, lengths);
}

void max_pool_backward(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  check_pool("max_pool_backward", options, x.shape(), dy.shape());
  expect_shape("max_pool_backward", "dx", dx.shape(), x.shape());
  expect_lengths("max_pool_backward", lengths, x.extent(0));
  expect_on_device("max_pool_backward", context, x, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::max_pool_backward(context, options, x, dy, dx, lengths);
    }
  }
  cpu::max_pool_backward(context, options, x, dy, dx, lengths);
}

void average_pool(Context& context, const AveragePoolOptions& options, Tensor<const float> x,
                  Tensor<float> y, const Lengths& lengths) {
  check_pool("average_pool", options, x.shape(), y.shape());
  expect_lengths("average_pool", lengths, x.extent(0));
  expect_on_device("average_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda)
      return cuda::average_pool(context, options, x, y, lengths);
  }
  cpu::average_pool(context, options, x, y, lengths);
}

void average_pool_backward(Context& context, const AveragePoolOptions& options,
                           Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  check_pool("average_pool_backward", options, dx.shape(), dy.shape());
  expect_lengths("average_pool_backward", lengths, dx.extent(0));
  expect_on_device("average_pool_backward", context, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::average_pool_backward(context, options, dy, dx, lengths);
    }
  }
  cpu::average_pool_backward(context, options, dy, dx, lengths);
}

void global_average_pool(Context& context, Tensor<const float> x, Tensor<float> y,
                         const Lengths& lengths) {
  check_global("global_average_pool", x.shape(), y.shape());
  expect_lengths("global_average_pool", lengths, x.extent(0));
  expect_on_device("global_average_pool", context, x, y);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::global_average_pool(context, x, y, lengths);
  }
  cpu::global_average_pool(context, x, y, lengths);
}

void global_average_pool_backward(Context& context, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths) {
  check_global("global_average_pool_backward", dx.shape(), dy.shape());
  expect_lengths("global_average_pool_backward", lengths, dx.extent(0));
  expect_on_device("global_average_pool_backward", context, dy, dx);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      return cuda::global_average_pool_backward(context, dy, dx, lengths);
    }
  }
  cpu::global_average_pool_backward(context, dy, dx, lengths);
}

void global_max_pool(Context& context, Tensor<const float> x, Tensor<float> y,
                     const Lengths& lengths) {
  check_global("global_max_pool", x.shape(), y.shape());
  max_pool(context, whole(x.extent(1)), x, y.reshape({y.extent(0), 1, y.extent(1)}), lengths);
}

void global_max_pool_backward(Context& context, Tensor<const float> x, Tensor<const float> dy,
                              Tensor<float> dx, const Lengths& lengths) {
  check_global("global_max_pool_backward", x.shape(), dy.shape());
  max_pool_backward(context, whole(x.extent(1)), x, dy.reshape({dy.extent(0), 1, dy.extent(1)}), dx,
                    lengths);
}

namespace cpu {
namespace {

/// Windows of a row that has so many steps of its own, and steps of each that are its own.
struct OwnWindows {
  OwnWindows(const PoolOptions& options, const Lengths& lengths, Index item, Index time,
             Index out_time)
      : steps(steps_of(lengths.data(), item, time)),
        count(lengths.data() == nullptr ? out_time
                                        : std::max<Index>(1, pool_output_time(options, steps))),
        size(std::min<Index>(options.pool_size, steps)) {}
  Index steps, count, size;
};

/// x [batch, time, channels] becomes 0 behind the item's first `steps`.
void clear_behind(Tensor<float> x, Index item, Index steps) {
  const Index time = x.extent(1), channels = x.extent(2);
  std::fill_n(x.data() + (item * time + steps) * channels, (time - steps) * channels, 0.0F);
}

/// The gradient of max_pool over two steps with stride two, the usual one: no branches, and each
/// step is written once.
void spread_pairs(const float* x, const float* dy, Index windows, Index channels, float* dx) {
  for (Index o = 0; o < windows; ++o) {
    const float* left = x + 2 * o * channels;
    const float* right = left + channels;
    const float* gradient = dy + o * channels;
    float* __restrict to_left = dx + 2 * o * channels;
    float* __restrict to_right = to_left + channels;
    for (Index c = 0; c < channels; ++c) {
      const float all = 0.0F + gradient[c];  // as a sum from 0 has it: no negative zero
      to_left[c] = right[c] > left[c] ? 0.0F : all;
      to_right[c] = right[c] > left[c] ? all : 0.0F;
    }
  }
}

}  // namespace

void max_pool(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
              Tensor<float> y, const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = y.extent(1);
  const Index stride = stride_of(options);
  context.parallel(x.extent(0), [&](Index item) {
    const OwnWindows own(options, lengths, item, time, out_time);
    clear_behind(y, item, own.count);
    for (Index o = 0; o < own.count; ++o) {
      const float* window = x.data() + (item * time + o * stride) * channels;
      float* __restrict to = y.data() + (item * out_time + o) * channels;
      std::copy_n(window, channels, to);
      for (Index t = 1; t < own.size; ++t) {
        const float* __restrict from = window + t * channels;
        // a NaN wins, so that it is not lost on the way to the loss
        for (Index c = 0; c < channels; ++c) to[c] = to[c] >= from[c] ? to[c] : from[c];
      }
    }
  });
}

void max_pool_backward(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = dy.extent(1);
  const Index stride = stride_of(options);
  context.parallel(x.extent(0), [&](Index item) {
    const OwnWindows own(options, lengths, item, time, out_time);
    if (own.size == 2 && stride == 2) {
      spread_pairs(x.data() + item * time * channels, dy.data() + item * out_time * channels,
                   own.count, channels, dx.data() + item * time * channels);
      return clear_behind(dx, item, 2 * own.count);
    }
    std::fill_n(dx.data() + item * time * channels, time * channels, 0.0F);
    for (Index o = 0; o < own.count; ++o) {
      const Index begin = (item * time + o * stride) * channels;
      const float* window = x.data() + begin;
      float* to = dx.data() + begin;
      const float* gradient = dy.data() + (item * out_time + o) * channels;
      for (Index c = 0; c < channels; ++c) {
        Index first = 0;
        for (Index t = 1; t < own.size; ++t) {
          if (window[t * channels + c] > window[first * channels + c]) first = t;
        }
        to[first * channels + c] += gradient[c];
      }
    }
  });
}

void average_pool(Context& context, const AveragePoolOptions& options, Tensor<const float> x,
                  Tensor<float> y, const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2), out_time = y.extent(1);
  const Index stride = stride_of(options);
  context.parallel(x.extent(0), [&](Index item) {
    const OwnWindows own(options, lengths, item, time, out_time);
    const auto size = static_cast<float>(own.size);
    clear_behind(y, item, own.count);
    for (Index o = 0; o < own.count; ++o) {
      const float* window = x.data() + (item * time + o * stride) * channels;
      float* __restrict to = y.data() + (item * out_time + o) * channels;
      std::copy_n(window, channels, to);
      for (Index t = 1; t < own.size; ++t) {
        const float* __restrict from = window + t * channels;
        for (Index c = 0; c < channels; ++c) to[c] += from[c];
      }
      for (Index c = 0; c < channels; ++c) to[c] /= size;
    }
  });
}

void average_pool_backward(Context& context, const AveragePoolOptions& options,
                           Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  const Index time = dx.extent(1), channels = dx.extent(2), out_time = dy.extent(1);
  const Index stride = stride_of(options);
  context.parallel(dx.extent(0), [&](Index item) {
    const OwnWindows own(options, lengths, item, time, out_time);
    const auto size = static_cast<float>(own.size);
    std::fill_n(dx.data() + item * time * channels, time * channels, 0.0F);
    for (Index o = 0; o < own.count; ++o) {
      const float* gradient = dy.data() + (item * out_time + o) * channels;
      for (Index t = 0; t < own.size; ++t) {
        float* __restrict to = dx.data() + (item * time + o * stride + t) * channels;
        for (Index c = 0; c < channels; ++c) to[c] += gradient[c] / size;
      }
    }
  });
}

void global_average_pool(Context& context, Tensor<const float> x, Tensor<float> y,
                         const Lengths& lengths) {
  const Index time = x.extent(1), channels = x.extent(2);
  context.parallel(x.extent(0), [&](Index item) {
    const Index steps = steps_of(lengths.data(), item, time);
    const float* from = x.data() + item * time * channels;
    float* __restrict to = y.data() + item * channels;
    std::fill_n(to, channels, 0.0F);
    for (Index t = 0; t < steps; ++t) {
      const float* __restrict row = from + t * channels;
      for (Index c = 0; c < channels; ++c) to[c] += row[c];
    }
    for (Index c = 0; c < channels; ++c) to[c] /= static_cast<float>(steps);
  });
}

void global_average_pool_backward(Context& context, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths) {
  const Index time = dx.extent(1), channels = dx.extent(2);
  context.parallel(dx.extent(0), [&](Index item) {
    const Index steps = steps_of(lengths.data(), item, time);
    const float* gradient = dy.data() + item * channels;
    float* to = dx.data() + item * time * channels;
    for (Index t = 0; t < steps; ++t) {
      for (Index c = 0; c < channels; ++c) {
        to[t * channels + c] = gradient[c] / static_cast<float>(steps);
      }
    }
    clear_behind(dx, item, steps);
  });
}

}  // namespace cpu
}  // namespace serenade
