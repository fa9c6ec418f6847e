#pragma once

#include <algorithm>

#include "kernels/device/options.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

struct FlattenOptions {
  template <class Self, class Visitor>
  static void fields(Self&, Visitor&) {}
};

/// [time, channels] as one vector, time outermost.
class FlattenLayer final : public Layer {
 public:
  using Options = FlattenOptions;
  static constexpr std::string_view name = "flatten";

  FlattenLayer(const Options&, const LayerSite& site) : output_{site.input.size()} {}

  Shape output() const override { return output_; }
  void infer(Context&, Tensor<const float> x, Tensor<float> y) override {
    std::copy_n(x.data(), x.size(), y.data());
  }
  void backward(Context&, const TrainingKey&, Tensor<const float>, Tensor<const float>,
                Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) std::copy_n(dy.data(), dy.size(), dx.data());
  }

 private:
  Shape output_;
};

}  // namespace serenade
