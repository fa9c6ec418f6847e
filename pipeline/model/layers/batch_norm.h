#pragma once

#include "kernels/nn/batch_norm.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class BatchNormLayer final : public Layer {
 public:
  using Options = BatchNormOptions;
  static constexpr std::string_view name = "batch_norm";

  BatchNormLayer(const Options& options, const LayerSite& site) : options_(options), site_(site) {
    const Shape channels{site.input[site.input.rank() - 1]};
    gamma_ = Trained(site, channels);
    beta_ = Trained(site, channels);
    gamma_.value.fill(1);
    for (auto* statistic : {&mean_, &inverse_std_, &running_mean_, &running_variance_}) {
      statistic->resize(channels);
    }
    running_variance_.fill(1);
  }

  Shape output() const override { return site_.input; }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    batch_norm_inference(context, options_, x, gamma_.value.view(), beta_.value.view(),
                         running_mean_.view(), running_variance_.view(), y);
    clear_padding(context, lengths.out, y);
  }
  void forward(Context& context, const RowLengths& lengths, const TrainingKey&,
               Tensor<const float> x, Tensor<float> y) override {
    BatchNormOptions options = options_;
    if (momentum_) options.momentum = *momentum_;
    batch_norm(context, options, x, gamma_.value.view(), beta_.value.view(), statistics(), y,
               lengths.in);
    clear_padding(context, lengths.out, y);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey&,
                Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    batch_norm_backward(context, x, gamma_.value.view(), statistics(), dy, dx,
                        gamma_.gradient.view(), beta_.gradient.view(), lengths.in);
    if (dx.data() != nullptr) clear_padding(context, lengths.in, dx);
  }
  void use_statistics_momentum(std::optional<double> momentum) override { momentum_ = momentum; }
  void move_to(Context& context) override {
    gamma_.move_to(context);
    beta_.move_to(context);
    for (auto* statistic : {&mean_, &inverse_std_, &running_mean_, &running_variance_}) {
      move_array(context, *statistic);
    }
  }
  std::vector<Parameter> parameters() override {
    return {gamma_.parameter(site_.name + ".gamma", false),
            beta_.parameter(site_.name + ".beta", false)};
  }
  std::vector<State> state() override {
    return {{site_.name + ".running_mean", running_mean_.view()},
            {site_.name + ".running_variance", running_variance_.view()}};
  }

 private:
  BatchNormStatistics statistics() {
    return {mean_.view(), inverse_std_.view(), running_mean_.view(), running_variance_.view()};
  }

  Options options_;
  LayerSite site_;
  std::optional<double> momentum_;
  Trained gamma_, beta_;
  Array<float> mean_, inverse_std_, running_mean_, running_variance_;
};

}  // namespace serenade
