#pragma once

#include <algorithm>

#include "kernels/nn/conv1d.h"

/// What both twins of conv1d, and the GPU's of dense, make of the options and shapes.
namespace serenade {

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

/// x [batch, time, in], y [batch, out time, filters], which fit together and to the options.
Convolution convolution_of(const Conv1dOptions&, const Shape& x, const Shape& y);

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

namespace cuda {
class Session;

/// The products of a convolution by this project's own kernels, enqueued: what `nn.backend: plain`
/// computes, and the judge of the libraries. Pointers are to device memory of the shapes that
/// conv1d.h states. Every number is the chain of fused multiply-adds that conv1d.h states and the
/// CPU's has the same bits, but for the sign of zeros and, where weights or gradients are no finite
/// numbers, beside padding: zeros that are added here may be left out there.
namespace plain {
void convolve(Session&, const Convolution&, const float* x, const float* weights,
              const float* bias,  // null: none
              float* y);
void convolve_backward_data(Session&, const Convolution&, const float* weights, const float* dy,
                            float* dx);
/// Uses the session's scratch 0.
void convolve_backward_weights(Session&, const Convolution&, const float* x, const float* dy,
                               float* dweights);
}  // namespace plain
}  // namespace cuda

}  // namespace serenade
