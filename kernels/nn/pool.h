#pragma once

#include <optional>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/lengths.h"

namespace serenade {

/// Windows over time, those that lie wholly inside ("valid").
struct PoolOptions {
  int pool_size = 2;
  std::optional<int> stride;  ///< pool_size where not set

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("pool_size", self.pool_size, Range{1, 1000000}, "time steps of a window");
    visit("stride", self.stride, Range{1, 1000000}, "steps between windows; null: pool_size");
  }
};

struct MaxPoolOptions : PoolOptions {};
struct AveragePoolOptions : PoolOptions {};

struct GlobalAveragePoolOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

struct GlobalMaxPoolOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

// All of these throw ShapeError where the shapes do not fit, the global ones also where there is no
// time step, and ConfigError for options out of range.
//
// With lengths a row is pooled as if it ended with its own steps; windows that it then does not
// have give 0, as the gradient of its padding is. A row of less than one window has one all the
// same, of the steps that there are.

/// Windows in `time` steps; 0 where none fits.
Index pool_output_time(const PoolOptions&, Index time);

/// y[b, o, c] = the largest of x[b, o stride .. o stride + pool_size, c].
/// x [batch, time, channels], y [batch, pool_output_time, channels].
void max_pool(Context&, const MaxPoolOptions&, Tensor<const float> x, Tensor<float> y,
              const Lengths& lengths = {});

/// dx [batch, time, channels], overwritten: a window's gradient goes to its first largest step.
void max_pool_backward(Context&, const MaxPoolOptions&, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths = {});

/// y[b, o, c] = the mean of x[b, o stride .. o stride + pool_size, c], added up in order of time.
/// x [batch, time, channels], y [batch, pool_output_time, channels].
void average_pool(Context&, const AveragePoolOptions&, Tensor<const float> x, Tensor<float> y,
                  const Lengths& lengths = {});

/// dx [batch, time, channels], overwritten; windows add to it in their order.
void average_pool_backward(Context&, const AveragePoolOptions&, Tensor<const float> dy,
                           Tensor<float> dx, const Lengths& lengths = {});

/// y [batch, channels] = mean over time of x [batch, time, channels], added up in order of time.
void global_average_pool(Context&, Tensor<const float> x, Tensor<float> y,
                         const Lengths& lengths = {});
/// dx [batch, time, channels] = dy [batch, channels] / time at every step, overwritten.
void global_average_pool_backward(Context&, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths = {});

/// y [batch, channels] = largest over time of x [batch, time, channels].
void global_max_pool(Context&, Tensor<const float> x, Tensor<float> y, const Lengths& lengths = {});
/// dx [batch, time, channels], overwritten: the gradient goes to the first largest step.
void global_max_pool_backward(Context&, Tensor<const float> x, Tensor<const float> dy,
                              Tensor<float> dx, const Lengths& lengths = {});

namespace cpu {
void max_pool(Context&, const MaxPoolOptions&, Tensor<const float> x, Tensor<float> y,
              const Lengths& lengths);
void max_pool_backward(Context&, const MaxPoolOptions&, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths);
void average_pool(Context&, const AveragePoolOptions&, Tensor<const float> x, Tensor<float> y,
                  const Lengths& lengths);
void average_pool_backward(Context&, const AveragePoolOptions&, Tensor<const float> dy,
                           Tensor<float> dx, const Lengths& lengths);
void global_average_pool(Context&, Tensor<const float> x, Tensor<float> y, const Lengths& lengths);
void global_average_pool_backward(Context&, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths);
}  // namespace cpu

namespace cuda {
void max_pool(Context&, const MaxPoolOptions&, Tensor<const float> x, Tensor<float> y,
              const Lengths& lengths);
void max_pool_backward(Context&, const MaxPoolOptions&, Tensor<const float> x,
                       Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths);
void average_pool(Context&, const AveragePoolOptions&, Tensor<const float> x, Tensor<float> y,
                  const Lengths& lengths);
void average_pool_backward(Context&, const AveragePoolOptions&, Tensor<const float> dy,
                           Tensor<float> dx, const Lengths& lengths);
void global_average_pool(Context&, Tensor<const float> x, Tensor<float> y, const Lengths& lengths);
void global_average_pool_backward(Context&, Tensor<const float> dy, Tensor<float> dx,
                                  const Lengths& lengths);
}  // namespace cuda

}  // namespace serenade
