#pragma once

#include "kernels/device/copy.h"
#include "kernels/nn/dropout.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class DropoutLayer final : public Layer {
 public:
  using Options = DropoutOptions;
  static constexpr std::string_view name = "dropout";

  DropoutLayer(const Options& options, const LayerSite& site) : options_(options), site_(site) {}

  Shape output() const override { return site_.input; }
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    copy(context, x, y);
  }
  void forward(Context& context, const RowLengths&, const TrainingKey& key, Tensor<const float> x,
               Tensor<float> y) override {
    dropout(context, options_, mask(key), key.utterances, x, y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey& key, Tensor<const float>,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) dropout(context, options_, mask(key), key.utterances, dy, dx);
  }

 private:
  DropoutKey mask(const TrainingKey& key) const { return {site_.seed, key.step, site_.index}; }

  Options options_;
  LayerSite site_;
};

}  // namespace serenade
