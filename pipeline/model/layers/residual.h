#pragma once

#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
#include "pipeline/model/layer_stack.h"

namespace serenade {

/// What goes around the layers of a residual block: x itself, or a linear map of it.
enum class Shortcut { automatic, identity, projection };
constexpr auto enum_names(Shortcut) {
  return std::to_array<std::string_view>({"auto", "identity", "projection"});
}

struct ResidualOptions {
  std::vector<LayerSpec> layers;
  Shortcut shortcut = Shortcut::automatic;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("layers", self.layers, Range{}, "the layers that the shortcut goes around, at least one");
    visit("shortcut", self.shortcut, Range{},
          "identity: x itself; projection: a trained linear map without bias to the layers' output "
          "shape (a convolution over one step, with the stride that their length takes); auto: "
          "projection where the shapes differ");
  }
};

/// y = layers(x) + shortcut(x) (He et al. 2016); an activation after the sum is the next layer of
/// the list. Inner layers count from 0: parameters are "layers.3.residual.0.conv1d.kernel" and
/// "layers.3.residual.shortcut.kernel".
class ResidualLayer final : public Layer {
 public:
  using Options = ResidualOptions;
  static constexpr std::string_view name = "residual";

  ResidualLayer(const Options& options, const LayerSite& site);

  static std::uint32_t inner_numbers(const Options& options);

  Shape output() const override { return stack_.output(); }
  Index steps_out(Index steps) const override { return stack_.steps_out(steps); }
  void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
             Tensor<float> y) override;
  void forward(Context& context, const RowLengths& lengths, const TrainingKey& key,
               Tensor<const float> x, Tensor<float> y) override;
  void backward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                Tensor<const float> x, Tensor<const float> y, Tensor<const float> dy,
                Tensor<float> dx) override;
  void use_statistics_momentum(std::optional<double> momentum) override {
    stack_.use_statistics_momentum(momentum);  // the shortcut has no statistics
  }
  void move_to(Context& context) override;
  std::vector<Parameter> parameters() override;
  std::vector<State> state() override { return stack_.state(); }

 private:
  LayerStack stack_;
  std::unique_ptr<Layer> projection_;  ///< none for the identity
  Array<float> projected_, dshortcut_;
};

}  // namespace serenade
