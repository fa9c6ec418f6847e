#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/model/layer.h"

namespace serenade {

struct LayerSpec;

/// [batch, row...]. Throws ConfigError for a row that is neither [time, channels] nor [features].
Shape batched(Index batch, const Shape& row);

/// Numbers that the layers inside this one take, for random draws; 0 for a plain layer.
std::uint32_t inner_numbers(const LayerSpec& spec);

/// Makes the layer. Throws ConfigError naming the site where options are out of range or the input
/// does not fit.
std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const LayerSite& site);

/// Layers one after another, with the activations between them. Activations are kept between calls:
/// a step at a batch size no larger than one before allocates nothing.
class LayerStack {
 public:
  /// The site of the stack: its input is the first layer's, its seed and limit of parameters are
  /// everyone's, its `inner` numbers are there for layers inside layers.
  explicit LayerStack(LayerSite site) : site_(std::move(site)) {}

  /// Puts a layer at the end.
  void add(const LayerSpec& spec, std::string name, std::uint32_t index);

  std::size_t size() const { return layers_.size(); }
  Layer& layer(std::size_t i) const { return *layers_[i]; }
  /// Shape of one row of the last layer's output, or of the input where there is none.
  const Shape& output() const { return site_.input; }
  /// Where a layer after the last would stand: what is left of numbers and parameters.
  const LayerSite& site() const { return site_; }

  /// x [batch, ...]. The result is valid until the next call; without layers it is x.
  /// lengths: of x, [batch], or an empty view; x and dy are 0 behind them (Layer).
  Tensor<const float> infer(Context& context, const Lengths& lengths, Tensor<const float> x);
  Tensor<const float> forward(Context& context, const Lengths& lengths, const TrainingKey& key,
                              Tensor<const float> x);
  /// Follows forward with the same key and x. Overwrites the gradients of the parameters and, where
  /// it is not an empty view, dx.
  void backward(Context& context, const TrainingKey& key, Tensor<const float> x,
                Tensor<const float> dy, Tensor<float> dx);

  /// See Layer.
  Index steps_out(Index steps) const;
  void use_statistics_momentum(std::optional<double> momentum);
  void move_to(Context& context);

  std::vector<Parameter> parameters() const;
  std::vector<State> state() const;

 private:
  void resize(Index batch);
  void add_table(const Shape& input);
  const RowLengths& follow(Context& context, std::size_t i, const Lengths& in);

  LayerSite site_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::string> names_;
  std::vector<Array<float>> outputs_;         ///< of each layer, [batch, ...]
  std::vector<Array<std::int32_t>> tables_;   ///< steps_out of each layer; empty: the same steps
  std::vector<Array<std::int32_t>> lengths_;  ///< behind each layer that has a table, [batch]
  std::vector<RowLengths> around_;            ///< each layer, in the last pass
  std::array<Array<float>, 2> gradients_;     ///< of the layer at hand and the one before it
};

}  // namespace serenade
