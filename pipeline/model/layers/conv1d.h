#pragma once

#include "kernels/nn/conv1d.h"
#include "kernels/nn/initialization.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class Conv1dLayer final : public Layer {
 public:
  using Options = Conv1dOptions;
  static constexpr std::string_view name = "conv1d";

  Conv1dLayer(const Options& options, const LayerSite& site) : options_(options), site_(site) {
    expect_rank(site, 2, "[time, channels]");
    const Index time = conv1d_output_time(options, site.input[0]);
    const Index channels = site.input[1];
    if (time < 1) {
      refuse(site, "needs at least " + std::to_string(conv1d_span(options)) + " time steps");
    }
    if (channels % options.groups != 0 || options.filters % options.groups != 0) {
      refuse(site, "needs a number of channels, and of filters, that " +
                       std::to_string(options.groups) + " groups divide; there are " +
                       std::to_string(options.filters) + " filters");
    }
    const Index group_channels = channels / options.groups;
    output_ = Shape{time, options.filters};
    if (site.masked && options.padding == Padding::same) {
      options_.zeros_before =
          static_cast<int>(std::max<Index>(0, conv1d_span(options) - options.stride) / 2);
    }
    kernel_ = Trained(site, Shape{options.kernel_size, group_channels, options.filters});
    if (options.use_bias) bias_ = Trained(site, Shape{options.filters});
    glorot_uniform(site.seed, site.index, options.kernel_size * group_channels,
                   Index{options.kernel_size} * options.filters, kernel_.value.view());
  }

  Shape output() const override { return output_; }
  /// Of a row of fewer steps than a valid kernel spans there is one all the same, beside zeros.
  Index steps_out(Index steps) const override {
    return std::max<Index>(1, conv1d_output_time(options_, steps));
  }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    conv1d(context, options_, x, kernel_.value.view(), bias_.value.view(), y);
    clear_padding(context, lengths.out, y);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    conv1d_backward_weights(context, options_, x, dy, kernel_.gradient.view(),
                            bias_.gradient.view());
    if (dx.data() != nullptr) {
      conv1d_backward_data(context, options_, kernel_.value.view(), dy, dx);
      clear_padding(context, lengths.in, dx);
    }
  }
  void move_to(Context& context) override {
    kernel_.move_to(context);
    bias_.move_to(context);
  }
  std::vector<Parameter> parameters() override {
    std::vector<Parameter> all{kernel_.parameter(site_.name + ".kernel", true)};
    if (options_.use_bias) all.push_back(bias_.parameter(site_.name + ".bias", false));
    return all;
  }

 private:
  Options options_;
  LayerSite site_;
  Shape output_;
  Trained kernel_, bias_;
};

}  // namespace serenade
