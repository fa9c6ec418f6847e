#pragma once

#include "kernels/nn/activation.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

class ReluLayer final : public Layer {
 public:
  using Options = ReluOptions;
  static constexpr std::string_view name = "relu";

  ReluLayer(const Options&, const LayerSite& site) : shape_(site.input) {}

  Shape output() const override { return shape_; }
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    relu(context, x, y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey&, Tensor<const float>,
                Tensor<const float> y, Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) relu_backward(context, y, dy, dx);
  }

 private:
  Shape shape_;
};

}  // namespace serenade
