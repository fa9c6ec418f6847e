#pragma once

#include "kernels/device/copy.h"
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
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    copy(context, x.reshape(y.shape()), y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey&, Tensor<const float>,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) copy(context, dy.reshape(dx.shape()), dx);
  }

 private:
  Shape output_;
};

}  // namespace serenade
