#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// Where zeros are added, as Keras does it; the kernel spans s = (kernel_size - 1) dilation + 1
/// steps. `same` gives ceil(time / stride) steps, with half of the zeros that takes (rounded down)
/// before the first step and the rest after the last. `valid` pads nothing: s - 1 steps are lost.
/// `causal` puts s - 1 zeros before the first step, so that no output looks ahead; it gives
/// ceil(time / stride) steps too, as does `anticausal`, which puts them after the last, so that no
/// output looks back: a causal convolution of the sequence reversed in time, turned back, with the
/// taps in reverse.
enum class Padding { same, valid, causal, anticausal };
constexpr auto enum_names(Padding) {
  return std::to_array<std::string_view>({"same", "valid", "causal", "anticausal"});
}

struct Conv1dOptions {
  int filters = 64;
  int kernel_size = 5;
  Padding padding = Padding::same;
  bool use_bias = true;
  int stride = 1;
  int dilation = 1;
  int groups = 1;
  /// Of `same`: zeros before the first step, where these must not hang on the time, as `stride`
  /// makes them. No choice of a user's: networks with masks set it, to half of span - stride, what
  /// a time that the stride divides has.
  std::optional<int> zeros_before = {};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("filters", self.filters, Range{1, 8192}, "output channels");
    visit("kernel_size", self.kernel_size, Range{1, 1023}, "time steps the kernel spans");
    visit(
        "padding", self.padding, Range{},
        "same: zeros keep the length; valid: no padding; causal: all zeros come first, so that no "
        "output looks ahead; anticausal: they come last, so that none looks back");
    visit("use_bias", self.use_bias, Range{}, "add a trained constant to each filter");
    visit("stride", self.stride, Range{1, 65536}, "steps from one output to the next");
    visit("dilation", self.dilation, Range{1, 65536}, "steps between the kernel's taps");
    visit("groups", self.groups, Range{1, 8192},
          "channels and filters are cut into so many groups, each convolved by itself; as many as "
          "there are channels: depthwise");
  }
};

/// Steps that the kernel spans: (kernel_size - 1) dilation + 1.
Index conv1d_span(const Conv1dOptions&);

/// Output steps for `time` input steps; 0 or less where a valid convolution does not fit.
Index conv1d_output_time(const Conv1dOptions&, Index time);

/// Convolution over time (a correlation, as every network library has it):
/// y[b, t, f] = bias[f] + sum over j, c of x[b, t stride + j dilation - pad, c] w[j, c, f], where c
/// runs over the channels of the filter's group and w counts them from 0. Every output is one chain
/// of fused multiply-adds from the bias on in the order (j, c); taps that fall on padding add
/// nothing. Its bits do not depend on the batch or on the number of threads. (A library on a GPU,
/// backend.h, adds up in an order of its own, which may hang on the batch; so for gradients.)
/// x       [batch, time, in_channels]
/// weights [kernel_size, in_channels / groups, filters]
/// bias    [filters], or an empty view without use_bias
/// y       [batch, conv1d_output_time, filters]
/// Throws ShapeError where these do not fit together or to the options.
void conv1d(Context&, const Conv1dOptions&, Tensor<const float> x, Tensor<const float> weights,
            Tensor<const float> bias, Tensor<float> y);

/// dx [batch, time, in_channels] = gradient of x, overwritten: one chain for each number, j
/// descending and within it f ascending.
void conv1d_backward_data(Context&, const Conv1dOptions&, Tensor<const float> weights,
                          Tensor<const float> dy, Tensor<float> dx);

/// dweights [kernel_size, in_channels / groups, filters] and dbias [filters] (empty without
/// use_bias), overwritten. At most eight runs of neighbouring items are summed apart, each in the
/// order (b, t), and the sums added in order.
void conv1d_backward_weights(Context&, const Conv1dOptions&, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias);

namespace cpu {
void conv1d(Context&, const Conv1dOptions&, Tensor<const float> x, Tensor<const float> weights,
            Tensor<const float> bias, Tensor<float> y);
void conv1d_backward_data(Context&, const Conv1dOptions&, Tensor<const float> weights,
                          Tensor<const float> dy, Tensor<float> dx);
void conv1d_backward_weights(Context&, const Conv1dOptions&, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias);
}  // namespace cpu

namespace cuda {
void conv1d(Context&, const Conv1dOptions&, Tensor<const float> x, Tensor<const float> weights,
            Tensor<const float> bias, Tensor<float> y);
void conv1d_backward_data(Context&, const Conv1dOptions&, Tensor<const float> weights,
                          Tensor<const float> dy, Tensor<float> dx);
void conv1d_backward_weights(Context&, const Conv1dOptions&, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias);
namespace plain {  // by own kernels alone
void conv1d(Context&, const Conv1dOptions&, Tensor<const float> x, Tensor<const float> weights,
            Tensor<const float> bias, Tensor<float> y);
void conv1d_backward_data(Context&, const Conv1dOptions&, Tensor<const float> weights,
                          Tensor<const float> dy, Tensor<float> dx);
void conv1d_backward_weights(Context&, const Conv1dOptions&, Tensor<const float> x,
                             Tensor<const float> dy, Tensor<float> dweights, Tensor<float> dbias);
}  // namespace plain
}  // namespace cuda

}  // namespace serenade
