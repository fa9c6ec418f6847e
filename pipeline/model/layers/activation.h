#pragma once

#include "kernels/nn/activation.h"
#include "pipeline/model/layers/support.h"

namespace serenade {

namespace detail {
template <class Options>
inline constexpr std::string_view activation_name;
template <>
inline constexpr std::string_view activation_name<LeakyReluOptions> = "leaky_relu";
template <>
inline constexpr std::string_view activation_name<EluOptions> = "elu";
template <>
inline constexpr std::string_view activation_name<GeluOptions> = "gelu";
template <>
inline constexpr std::string_view activation_name<SiluOptions> = "silu";
template <>
inline constexpr std::string_view activation_name<TanhOptions> = "tanh";
}  // namespace detail

/// An activation whose gradient needs its input.
template <class ActivationOptionsType>
class ActivationLayer final : public Layer {
 public:
  using Options = ActivationOptionsType;
  static constexpr std::string_view name = detail::activation_name<Options>;

  ActivationLayer(const Options& options, const LayerSite& site)
      : options_(options), shape_(site.input) {}

  Shape output() const override { return shape_; }
  void infer(Context& context, const RowLengths&, Tensor<const float> x, Tensor<float> y) override {
    activation(context, options_, x, y);
  }
  void backward(Context& context, const RowLengths&, const TrainingKey&, Tensor<const float> x,
                Tensor<const float>, Tensor<const float> dy, Tensor<float> dx) override {
    if (dx.data() != nullptr) activation_backward(context, options_, x, dy, dx);
  }

 private:
  Options options_;
  Shape shape_;
};

using LeakyReluLayer = ActivationLayer<LeakyReluOptions>;
using EluLayer = ActivationLayer<EluOptions>;
using GeluLayer = ActivationLayer<GeluOptions>;
using SiluLayer = ActivationLayer<SiluOptions>;
using TanhLayer = ActivationLayer<TanhOptions>;  ///< inside other layers only

}  // namespace serenade
