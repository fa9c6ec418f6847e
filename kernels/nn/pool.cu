#include "kernels/nn/pool.h"

#include <algorithm>

#include "kernels/device/columns.cuh"

namespace serenade::cuda {
namespace {

Index stride_of(const PoolOptions& options) { return options.stride.value_or(options.pool_size); }

/// Windows over the steps of x [batch, time, channels].
struct Windows {
  Index time, channels, size, stride, count;
  const std::int32_t* lengths;
};

Windows windows_of(const PoolOptions& options, const Shape& x, const Lengths& lengths) {
  return {
      x[1],          x[2], options.pool_size, stride_of(options), pool_output_time(options, x[1]),
      lengths.data()};
}

/// Steps of a window that are the item's own: all, but where the item has less than a window.
__device__ inline Index own_size(const Windows& windows, Index item) {
  return min(windows.size, steps_of(windows.lengths, item, windows.time));
}
/// Windows that the item has.
__device__ inline Index own_count(const Windows& windows, Index item) {
  if (windows.lengths == nullptr) return windows.count;
  const Index steps = windows.lengths[item];
  return steps < windows.size ? 1 : place_of(steps - windows.size, windows.stride).row + 1;
}

/// One thread a window and channel, neighbours side by side in the channels: 4 bytes and 1 flop for
/// each of its steps, from cache where windows overlap.
__global__ __launch_bounds__(most_threads) void max_pool_kernel(const float* x, Windows windows,
                                                                Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, windows.channels);
  const Place window = place_of(at.row, windows.count);
  if (window.column >= own_count(windows, window.row)) {
    y[i] = 0;
    return;
  }
  const Index own = own_size(windows, window.row);
  const float* from =
      x + (window.row * windows.time + window.column * windows.stride) * windows.channels +
      at.column;
  float largest = from[0];
  for (Index t = 1; t < own; ++t) {
    const float value = from[t * windows.channels];
    largest = largest >= value ? largest : value;
  }
  y[i] = largest;
}

/// The first largest of a window's steps.
__device__ inline Index first_largest(const float* window, Index size, Index channels) {
  Index first = 0;
  float largest = window[0];
  for (Index t = 1; t < size; ++t) {
    const float value = window[t * channels];
    if (value > largest) {
      first = t;
      largest = value;
    }
  }
  return first;
}

/// Where no two windows share a step: one thread a window and channel, which also writes the steps
/// from there to the next window (the last one: to the end). 8 bytes a number.
__global__ __launch_bounds__(most_threads) void max_pool_apart_backward_kernel(
    const float* x, const float* dy, Windows windows, Index size, float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Index spans = max(windows.count, Index{1});  // one where no window fits
  const Place at = place_of(i, windows.channels);
  const Place window = place_of(at.row, spans);
  const Index begin = window.column * windows.stride;
  const Index end = window.column + 1 < spans ? begin + windows.stride : windows.time;
  const Index offset = (window.row * windows.time + begin) * windows.channels + at.column;
  const Index chosen =
      window.column < own_count(windows, window.row)
          ? first_largest(x + offset, own_size(windows, window.row), windows.channels)
          : -1;
  for (Index t = 0; t < end - begin; ++t) {
    dx[offset + t * windows.channels] = t == chosen ? dy[i] : 0.0F;
  }
}

/// Where windows overlap: one thread a number of dx, which asks each window over its step whether
/// it is the one, and so writes once and needs no atomics. size / stride times a window's steps
/// are read, from cache.
__global__ __launch_bounds__(most_threads) void max_pool_backward_kernel(const float* x,
                                                                         const float* dy,
                                                                         Windows windows,
                                                                         Index size, float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, windows.channels);
  const Place step = place_of(at.row, windows.time);
  // Found by steps: another division would spill registers.
  const Index last = step.column / windows.stride;
  Index first = last;
  while (first > 0 && (first - 1) * windows.stride + windows.size > step.column) --first;
  const Index count = own_count(windows, step.row);
  const Index own = own_size(windows, step.row);
  float sum = 0;
  for (Index o = first; o <= last && o < count; ++o) {
    const Index begin = o * windows.stride;
    const float* window = x + (step.row * windows.time + begin) * windows.channels + at.column;
    if (begin + first_largest(window, own, windows.channels) == step.column) {
      sum += dy[(step.row * windows.count + o) * windows.channels + at.column];
    }
  }
  dx[i] = sum;
}

/// As max_pool_kernel.
__global__ __launch_bounds__(most_threads) void average_pool_kernel(const float* x, Windows windows,
                                                                    Index size, float* y) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, windows.channels);
  const Place window = place_of(at.row, windows.count);
  if (window.column >= own_count(windows, window.row)) {
    y[i] = 0;
    return;
  }
  const Index own = own_size(windows, window.row);
  const float* from =
      x + (window.row * windows.time + window.column * windows.stride) * windows.channels +
      at.column;
  float sum = from[0];
  for (Index t = 1; t < own; ++t) sum += from[t * windows.channels];
  y[i] = sum / static_cast<float>(own);
}

/// One thread a number of dx, which adds up what the windows over its step give, in their order.
__global__ __launch_bounds__(most_threads) void average_pool_backward_kernel(const float* dy,
                                                                             Windows windows,
                                                                             Index size,
                                                                             float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, windows.channels);
  const Place step = place_of(at.row, windows.time);
  const Index first =
      step.column < windows.size ? 0 : (step.column - windows.size) / windows.stride + 1;
  const Index last = min(step.column / windows.stride, own_count(windows, step.row) - 1);
  const Index own = own_size(windows, step.row);
  float sum = 0;
  for (Index o = first; o <= last; ++o) {
    sum +=
        dy[(step.row * windows.count + o) * windows.channels + at.column] / static_cast<float>(own);
  }
  dx[i] = step.column < steps_of(windows.lengths, step.row, windows.time) ? sum : 0;
}

/// A block has one item and 32 channels, its warps take turns at the steps: 4 bytes and 1 flop a
/// number. (One thread a channel would leave a GPU with a few thousand threads.)
__global__ __launch_bounds__(most_threads) void global_average_pool_kernel(
    const float* x, const std::int32_t* lengths, Index time, Index channels, float* y) {
  SERENADE_SHARED(float, shared, most_warps* warp_size);
  const ColumnBlock at = column_block(channels);
  const float* from = x + at.item * time * channels + at.column;
  const Index steps = steps_of(lengths, at.item, time);
  float sum = 0;
  if (at.exists) {
    for (Index t = at.warp; t < steps; t += at.warps) sum += from[t * channels];
  }
  sum = sum_of_warps(at, shared, sum);
  if (!at.exists || at.warp != 0) return;
  y[at.item * channels + at.column] = sum / static_cast<float>(steps);
}

/// One thread a number of dx: 4 bytes written, what is read comes from cache.
__global__ __launch_bounds__(most_threads) void global_average_pool_backward_kernel(
    const float* dy, const std::int32_t* lengths, Index time, Index channels, Index size,
    float* dx) {
  const Index i = global_index();
  if (i >= size) return;
  const Place at = place_of(i, channels);
  const Place step = place_of(at.row, time);
  const Index steps = steps_of(lengths, step.row, time);
  const float share = dy[step.row * channels + at.column] / static_cast<float>(steps);
  dx[i] = step.column < steps ? share : 0;
}

}  // namespace

void max_pool(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
              Tensor<float> y, const Lengths& lengths) {
  Session& session = context.session();
  launch<max_pool_kernel>(session, one_thread_each(session, y.size()), x.data(),
                          windows_of(options, x.shape(), lengths), y.size(), y.data());
}

void max_pool_backward(Context& context, const MaxPoolOptions& options, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  Session& session = context.session();
  const Windows windows = windows_of(options, x.shape(), lengths);
  if (x.size() == 0) return;
  if (windows.stride >= windows.size) {
    const Index size = x.extent(0) * std::max<Index>(windows.count, 1) * windows.channels;
    launch<max_pool_apart_backward_kernel>(session, one_thread_each(session, size), x.data(),
                                           dy.data(), windows, size, dx.data());
  } else {
    launch<max_pool_backward_kernel>(session, one_thread_each(session, dx.size()), x.data(),
                                     dy.data(), windows, dx.size(), dx.data());
  }
}

void average_pool(Context& context, const AveragePoolOptions& options, Tensor<const float> x,
                  Tensor<float> y, const Lengths& lengths) {
  Session& session = context.session();
  launch<average_pool_kernel>(session, one_thread_each(session, y.size()), x.data(),
                              windows_of(options, x.shape(), lengths), y.size(), y.data());
}

void average_pool_backward(Context& context, const AveragePoolOptions& options,
                           Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths) {
  Session& session = context.session();
  launch<average_pool_backward_kernel>(session, one_thread_each(session, dx.size()), dy.data(),
                                       windows_of(options, dx.shape(), lengths), dx.size(),
                                       dx.data());
}

void global_average_pool(Context& context, Tensor<const float> x, Tensor<float> y,
                         const Lengths& lengths) {
  Session& session = context.session();
  launch<global_average_pool_kernel>(session, column_blocks(session, x.extent(0), x.extent(2)),
                                     x.data(), lengths.data(), x.extent(1), x.extent(2), y.data());
}

void global_average_pool_backward(Context& context, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths) {
  Session& session = context.session();
  launch<global_average_pool_backward_kernel>(session, one_thread_each(session, dx.size()),
                                              dy.data(), lengths.data(), dx.extent(1), dx.extent(2),
                                              dx.size(), dx.data());
}

}  // namespace serenade::cuda
