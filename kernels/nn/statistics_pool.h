#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/nn/lengths.h"

namespace serenade {

struct StatisticsPoolOptions {
  double epsilon = 1e-5;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("epsilon", self.epsilon, Range{0, 1, true},
          "added to the variance, so that a constant channel has a gradient");
  }
};

/// Mean and standard deviation over time, as x-vectors have it (Snyder et al. 2018):
/// y[b, c] = mean of x[b, :, c], y[b, channels + c] = sqrt(variance + epsilon) with the variance
/// divided by the number of steps. Two passes, so that an offset costs no precision.
/// x [batch, time, channels], y [batch, 2 channels]. Throws ShapeError where these do not fit or
/// there is no step. With lengths of each row's own steps; dx is 0 behind them.
void statistics_pool(Context&, const StatisticsPoolOptions&, Tensor<const float> x, Tensor<float> y,
                     const Lengths& lengths = {});

/// dx [batch, time, channels], overwritten; y as statistics_pool left it.
void statistics_pool_backward(Context&, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx,
                              const Lengths& lengths = {});

namespace cpu {
void statistics_pool(Context&, const StatisticsPoolOptions&, Tensor<const float> x, Tensor<float> y,
                     const Lengths& lengths);
void statistics_pool_backward(Context&, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths);
}  // namespace cpu

namespace cuda {
void statistics_pool(Context&, const StatisticsPoolOptions&, Tensor<const float> x, Tensor<float> y,
                     const Lengths& lengths);
void statistics_pool_backward(Context&, Tensor<const float> x, Tensor<const float> y,
                              Tensor<const float> dy, Tensor<float> dx, const Lengths& lengths);
}  // namespace cuda

}  // namespace serenade
