#pragma once

#include "kernels/nn/dense.h"
#include "kernels/nn/initialization.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class DenseLayer final : public Layer {
 public:
  using Options = DenseOptions;
  static constexpr std::string_view name = "dense";

  DenseLayer(const Options& options, const LayerSite& site) : options_(options), site_(site) {
    expect_rank(site, 1, "[features]; put flatten or a global pool before it");
    const Index features = site.input[0];
    kernel_ = Trained(site, Shape{features, options.units});
    if (options.use_bias) bias_ = Trained(site, Shape{options.units});
    glorot_uniform(site.seed, site.index, features, options.units, kernel_.value.view());
  }

  Shape output() const override { return Shape{options_.units}; }
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    dense(context, x, kernel_.value.view(), bias_.value.view(), y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey&, Tensor<const float> x,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    dense_backward_weights(context, x, dy, kernel_.gradient.view(), bias_.gradient.view());
    if (dx.data() != nullptr) dense_backward_data(context, kernel_.value.view(), dy, dx);
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
  Trained kernel_, bias_;
};

}  // namespace serenade
