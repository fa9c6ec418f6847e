#pragma once

#include <array>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// `same` keeps the length, padding with zeros as Keras: (kernel_size - 1) / 2 before the first
/// step, the rest after the last. `valid` pads nothing: kernel_size - 1 steps are lost.
enum class Padding { same, valid };
constexpr auto enum_names(Padding) { return std::to_array<std::string_view>({"same", "valid"}); }

struct Conv1dOptions {
  int filters = 64;
  int kernel_size = 5;
  Padding padding = Padding::same;
  bool use_bias = true;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("filters", self.filters, Range{1, 8192}, "output channels");
    visit("kernel_size", self.kernel_size, Range{1, 1023}, "time steps the kernel spans");
    visit("padding", self.padding, Range{}, "same: zeros keep the length; valid: no padding");
    visit("use_bias", self.use_bias, Range{}, "add a trained constant to each filter");
  }
};

/// Output steps for `time` input steps; 0 or less where a valid convolution does not fit.
Index conv1d_output_time(const Conv1dOptions&, Index time);

/// Convolution over time (a correlation, as every network library has it), stride 1:
/// y[b, t, f] = bias[f] + sum over j, c of x[b, t + j - pad, c] w[j, c, f], summed in the order
/// (j, c) for every output, whatever the batch.
/// x       [batch, time, in_channels]
/// weights [kernel_size, in_channels, filters]
/// bias    [filters], or an empty view without use_bias
/// y       [batch, conv1d_output_time, filters]
/// Throws ShapeError where these do not fit together or to the options.
void conv1d(Context&, const Conv1dOptions&, Tensor<const float> x, Tensor<const float> weights,
            Tensor<const float> bias, Tensor<float> y);

/// dx [batch, time, in_channels] = gradient of x, overwritten.
void conv1d_backward_data(Context&, const Conv1dOptions&, Tensor<const float> weights,
                          Tensor<const float> dy, Tensor<float> dx);

/// dweights [kernel_size, in_channels, filters] and dbias [filters] (empty without use_bias),
/// overwritten.
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
}  // namespace cuda

}  // namespace serenade
