#pragma once

#include <optional>

#include "kernels/nn/add.h"
#include "kernels/nn/attention_pool.h"
#include "pipeline/model/layers/activation.h"
#include "pipeline/model/layers/dense.h"

namespace serenade {

/// What pools by attention have in common.
struct AttentionOptions {
  int units = 64;
  std::optional<int> heads = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("units", self.units, Range{1, 8192}, "of the layer (tanh) between x and the scores");
    visit("heads", self.heads, Range{1, 8192},
          "scores of a step: one weighs the whole step, several weigh as many equal groups of "
          "channels, each by itself; null: one for each channel");
  }
};

struct AttentionPoolOptions : AttentionOptions {};

struct AttentiveStatisticsPoolOptions : AttentionOptions {
  double epsilon = 1e-5;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    AttentionOptions::fields(self, visit);
    visit("epsilon", self.epsilon, Range{0, 1, true},
          "added to the variance, so that a constant channel has a gradient");
  }
};

/// Pools over time by shares that follow from x: scores = v tanh(W x + b) at every step, a softmax
/// of each head's scores over time, and the means of the channels by these shares (Okabe et al.
/// 2018; theirs adds a constant to the scores, which a softmax does not see). `deviations`: behind
/// them the standard deviations by the same shares. With a head for each channel as ECAPA-TDNN has
/// it (Desplanques et al. 2020), without its context of means over all time.
/// Parameters "NAME.hidden.kernel", "NAME.hidden.bias" and "NAME.scores.kernel".
template <class OptionsType, bool deviations>
class AttentionLayer : public Layer {
 public:
  using Options = OptionsType;

  AttentionLayer(const Options& options, const LayerSite& site)
      : channels_(channels_of(site)),
        heads_(options.heads ? Index{*options.heads} : channels_),
        hidden_({options.units, true}, inside(site, "hidden", 0, channels_)),
        tanh_({}, inside(site, "tanh", 0, options.units)),
        scores_({static_cast<int>(heads_), false}, inside(site, "scores", 1, options.units)) {
    if (channels_ % heads_ != 0) {
      refuse(site, "needs a number of channels that " + std::to_string(heads_) + " heads divide");
    }
    if constexpr (deviations) epsilon_ = static_cast<float>(options.epsilon);
  }

  static std::uint32_t inner_numbers(const Options&) { return 2; }

  Shape output() const override { return Shape{(deviations ? 2 : 1) * channels_}; }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override {
    const Index batch = x.extent(0), time = x.extent(1), rows = batch * time;
    const Shape units{rows, hidden_.output()[0]};
    for (auto* array : {&projected_, &bent_}) array->resize(units);
    scored_.resize({rows, heads_});
    shares_.resize({batch, time, heads_});
    hidden_.infer(context, {}, x.reshape({rows, channels_}), projected_.view());
    tanh_.infer(context, {}, projected_.view(), bent_.view());
    scores_.infer(context, {}, bent_.view(), scored_.view());
    attention_pool(context, epsilon_, x, by_step(scored_), shares_.view(), y, lengths.in);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey& key, Tensor<const float> x,
                Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx) override {
    dscored_.resize(scored_.shape());
    for (auto* array : {&dbent_, &dprojected_}) array->resize(bent_.shape());
    // Padding has no share: its gradients are 0.
    attention_pool_backward(context, epsilon_, x, shares_.view(), y, dy, dx, by_step(dscored_));
    scores_.backward(context, {}, key, bent_.view(), scored_.view(), dscored_.view(),
                     dbent_.view());
    tanh_.backward(context, {}, key, projected_.view(), bent_.view(), dbent_.view(),
                   dprojected_.view());
    const Tensor<const float> rows = x.reshape({scored_.shape()[0], channels_});
    if (dx.data() == nullptr) {
      hidden_.backward(context, {}, key, rows, projected_.view(), dprojected_.view(), {});
      return;
    }
    through_.resize(rows.shape());
    hidden_.backward(context, {}, key, rows, projected_.view(), dprojected_.view(),
                     through_.view());
    add(context, dx, through_.view().reshape(dx.shape()), dx);
  }
  void move_to(Context& context) override {
    hidden_.move_to(context);
    scores_.move_to(context);
    for (auto* array :
         {&projected_, &bent_, &scored_, &shares_, &dscored_, &dbent_, &dprojected_, &through_}) {
      move_room(context, *array);
    }
  }
  std::vector<Parameter> parameters() override {
    std::vector<Parameter> all = hidden_.parameters();
    std::ranges::move(scores_.parameters(), std::back_inserter(all));
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
  Tensor<float> by_step(Array<float>& rows) { return rows.view().reshape(shares_.shape()); }

  Index channels_, heads_;
  float epsilon_ = 0;
  DenseLayer hidden_;
  TanhLayer tanh_;
  DenseLayer scores_;
  Array<float> projected_, bent_, scored_, shares_;
  Array<float> dscored_, dbent_, dprojected_, through_;
};

class AttentionPoolLayer final : public AttentionLayer<AttentionPoolOptions, false> {
 public:
  using AttentionLayer::AttentionLayer;
  static constexpr std::string_view name = "attention_pool";
};

class AttentiveStatisticsPoolLayer final
    : public AttentionLayer<AttentiveStatisticsPoolOptions, true> {
 public:
  using AttentionLayer::AttentionLayer;
  static constexpr std::string_view name = "attentive_statistics_pool";
};

}  // namespace serenade
