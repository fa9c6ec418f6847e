#pragma once

#include "kernels/nn/layer_norm.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class LayerNormLayer final : public Layer {
 public:
  using Options = LayerNormOptions;
  static constexpr std::string_view name = "layer_norm";

  LayerNormLayer(const Options& options, const LayerSite& site) : options_(options), site_(site) {
    const Shape channels{site.input[site.input.rank() - 1]};
    gamma_ = Trained(site, channels);
    beta_ = Trained(site, channels);
    gamma_.value.fill(1);
  }

  Shape output() const override { return site_.input; }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    layer_norm(context, options_, x, gamma_.value.view(), beta_.value.view(), y);
    clear_padding(context, lengths.out, y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey&, Tensor<const float> x,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    // Where dy is 0 so is dx.
    layer_norm_backward(context, options_, x, gamma_.value.view(), dy, dx, gamma_.gradient.view(),
                        beta_.gradient.view());
  }
  void move_to(Context& context) override {
    gamma_.move_to(context);
    beta_.move_to(context);
  }
  std::vector<Parameter> parameters() override {
    return {gamma_.parameter(site_.name + ".gamma", false),
            beta_.parameter(site_.name + ".beta", false)};
  }

 private:
  Options options_;
  LayerSite site_;
  Trained gamma_, beta_;
};

}  // namespace serenade
