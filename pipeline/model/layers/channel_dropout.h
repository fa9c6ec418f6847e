#pragma once

#include "kernels/device/copy.h"
#include "kernels/nn/channel_dropout.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class ChannelDropoutLayer final : public Layer {
 public:
  using Options = ChannelDropoutOptions;
  static constexpr std::string_view name = "channel_dropout";

  ChannelDropoutLayer(const Options& options, const LayerSite& site)
      : options_(options), site_(site) {
    expect_rank(site, 2, "[time, channels]; dropout takes vectors");
  }

  Shape output() const override { return site_.input; }
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    copy(context, x, y);
  }
  void forward(Context& context, const RowLengths&, const TrainingKey& key, Tensor<const float> x,
               Tensor<float> y) override {
    channel_dropout(context, options_, mask(key), key.utterances, x, y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey& key, Tensor<const float>,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) channel_dropout(context, options_, mask(key), key.utterances, dy, dx);
  }

 private:
  DropoutKey mask(const TrainingKey& key) const { return {site_.seed, key.step, site_.index}; }

  Options options_;
  LayerSite site_;
};

}  // namespace serenade
