#pragma once

#include <algorithm>

#include "kernels/nn/add.h"
#include "kernels/nn/channel_gate.h"
#include "kernels/nn/pool.h"
#include "pipeline/model/layers/dense.h"
#include "pipeline/model/layers/relu.h"

namespace serenade {

struct SqueezeExcitationOptions {
  int reduction = 16;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("reduction", self.reduction, Range{1, 8192},
          "channels over units of the layer between squeeze and excitation (at least one unit)");
  }
};

/// Squeeze and excitation (Hu et al. 2018): the means over time go through dense, ReLU and dense to
/// one logit a channel, and every channel is let through by the logistic function of its logit.
/// Parameters "NAME.reduce.kernel", "NAME.expand.bias" and so on.
class SqueezeExcitationLayer final : public Layer {
 public:
  using Options = SqueezeExcitationOptions;
  static constexpr std::string_view name = "squeeze_excitation";

  SqueezeExcitationLayer(const Options& options, const LayerSite& site)
      : input_(site.input),
        units_(std::max<Index>(1, channels_of(site) / options.reduction)),
        reduce_({static_cast<int>(units_), true}, inside(site, "reduce", 0, channels_of(site))),
        relu_({}, inside(site, "relu", 0, units_)),
        expand_({static_cast<int>(channels_of(site)), true}, inside(site, "expand", 1, units_)) {}

  static std::uint32_t inner_numbers(const Options&) { return 2; }

  Shape output() const override { return input_; }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    const Shape channels{x.extent(0), x.extent(2)}, units{x.extent(0), units_};
    for (auto* array : {&means_, &logits_}) array->resize(channels);
    for (auto* array : {&reduced_, &hidden_}) array->resize(units);
    global_average_pool(context, x, means_.view(), lengths.in);
    reduce_.infer(context, {}, means_.view(), reduced_.view());
    relu_.infer(context, {}, reduced_.view(), hidden_.view());
    expand_.infer(context, {}, hidden_.view(), logits_.view());
    channel_gate(context, x, logits_.view(), y);
  }
  void backward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                Tensor<float> dx) override {
    for (auto* array : {&dmeans_, &dlogits_}) array->resize(means_.shape());
    for (auto* array : {&dreduced_, &dhidden_}) array->resize(hidden_.shape());
    channel_gate_backward(context, x, logits_.view(), dy, dx, dlogits_.view());
    expand_.backward(context, {}, key, hidden_.view(), logits_.view(), dlogits_.view(),
                     dhidden_.view());
    relu_.backward(context, {}, key, reduced_.view(), hidden_.view(), dhidden_.view(),
                   dreduced_.view());
    const bool wanted = dx.data() != nullptr;
    reduce_.backward(context, {}, key, means_.view(), reduced_.view(), dreduced_.view(),
                     wanted ? dmeans_.view() : Tensor<float>{});
    if (!wanted) return;
    spread_.resize(x.shape());
    global_average_pool_backward(context, dmeans_.view(), spread_.view(), lengths.in);
    add(context, dx, spread_.view(), dx);
  }
  void move_to(Context& context) override {
    reduce_.move_to(context);
    relu_.move_to(context);
    expand_.move_to(context);
    for (auto* array : {&means_, &reduced_, &hidden_, &logits_, &dmeans_, &dreduced_, &dhidden_,
                        &dlogits_, &spread_}) {
      move_room(context, *array);
    }
  }
  std::vector<Parameter> parameters() override {
    std::vector<Parameter> all = reduce_.parameters();
    std::ranges::move(expand_.parameters(), std::back_inserter(all));
    return all;
  }

 private:
  static Index channels_of(const LayerSite& site) {
    expect_rank(site, 2, "[time, channels]");
    if (site.input[1] > 65536) refuse(site, "takes at most 65536 channels");
    return site.input[1];
  }
  static LayerSite inside(const LayerSite& site, const std::string& part, std::uint32_t number,
                          Index features) {
    LayerSite inner = site;
    inner.name += "." + part;
    inner.index = site.inner + number;
    inner.input = Shape{features};
    return inner;
  }

  Shape input_;
  Index units_;
  DenseLayer reduce_;
  ReluLayer relu_;
  DenseLayer expand_;
  Array<float> means_, reduced_, hidden_, logits_;
  Array<float> dmeans_, dreduced_, dhidden_, dlogits_, spread_;
};

}  // namespace serenade
