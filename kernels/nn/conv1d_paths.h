#pragma once

#include "kernels/nn/convolution.h"

/// The ways in which conv1d is computed on the CPU; which one is taken depends on the options and
/// the number of channels alone. All add up in the orders that conv1d.h states.
namespace serenade::cpu {

/// total [size] = sum over the rows of sums [count, size], in order.
void add_partial_sums(Context& context, const float* sums, Index count, Index size, float* total);

/// One way; shapes as conv1d.h states them, `bias` an empty view where there is none.
struct ConvolutionPath {
  void (*forward)(Context&, const Convolution&, Tensor<const float> x, Tensor<const float> weights,
                  Tensor<const float> bias, Tensor<float> y);
  void (*backward_data)(Context&, const Convolution&, Tensor<const float> weights,
                        Tensor<const float> dy, Tensor<float> dx);
  void (*backward_weights)(Context&, const Convolution&, Tensor<const float> x,
                           Tensor<const float> dy, Tensor<float> dweights);
};

/// Neighbouring windows of x are rows of a matrix that overlap in memory: one product. For
/// contiguous() alone; its backward passes for stride 1 alone.
extern const ConvolutionPath windows_path;
/// A product for each tap and group, added up in the output: any stride, dilation and groups.
extern const ConvolutionPath taps_path;
/// One channel in and out of each group: neighbouring channels are neighbouring lanes. For
/// depthwise() alone.
extern const ConvolutionPath depthwise_path;

}  // namespace serenade::cpu
