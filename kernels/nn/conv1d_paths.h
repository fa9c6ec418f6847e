#pragma once

#include <algorithm>

#include "kernels/device/context.h"

/// The ways in which conv1d is computed on the CPU; which one is taken depends on the options and
/// the number of channels alone. All add up in the orders that conv1d.h states.
namespace serenade::cpu {

/// A convolution's sizes. Output o has tap j on input step o stride + j dilation - left.
struct Convolution {
  Index batch, time, in;  // x [batch, time, in]
  Index out_time, out;    // y [batch, out_time, out]
  Index kernel, stride, dilation, groups, left;

  Index group_in() const { return in / groups; }
  Index group_out() const { return out / groups; }
  bool depthwise() const { return groups == in && groups == out && groups > 1; }
  /// A window of x is one run of floats.
  bool contiguous() const { return dilation == 1 && groups == 1; }

  Index step(Index output, Index tap) const { return output * stride + tap * dilation - left; }

  struct Outputs {
    Index begin, end;
    Index count() const { return std::max<Index>(0, end - begin); }
  };
  /// The outputs whose tap j lies on a step in [begin, end).
  Outputs outputs_on(Index tap, Index begin, Index end) const {
    const Index shift = left - tap * dilation;
    const auto first_from = [&](Index step) {  // the first output whose tap is at or after it
      return std::clamp<Index>((std::max<Index>(0, step + shift) + stride - 1) / stride, 0,
                               out_time);
    };
    return {first_from(begin), first_from(end)};
  }
  /// Those of them in [from, to), for taps inside the input.
  Outputs outputs_inside(Index tap, Index from, Index to) const {
    const Outputs all = outputs_on(tap, 0, time);
    return {std::max(all.begin, from), std::min(all.end, to)};
  }
};

/// Runs of neighbouring items whose weight gradients are summed apart.
struct ItemRuns {
  explicit ItemRuns(Index items)
      : batch(items),
        length(std::max<Index>(1, (items + most - 1) / most)),
        count((items + length - 1) / length) {}
  Index begin(Index run) const { return run * length; }
  Index end(Index run) const { return std::min(batch, (run + 1) * length); }
  static constexpr Index most = 8;
  Index batch, length, count;
};

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
