#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/nn/lengths.h"
#include "kernels/nn/step.h"

namespace serenade {

/// What a training step's random masks depend on besides the seed: the step, and which utterance
/// each row of the batch is.
struct TrainingKey {
  CurrentStep step;
  Tensor<const std::uint32_t> utterances;  ///< [batch]
};

/// Of the rows of a batch the time steps that are their own, on both sides of a layer; empty views
/// where nothing is padded, and for vectors.
struct RowLengths {
  Lengths in;   ///< [batch], of x and dx
  Lengths out;  ///< [batch], of y and dy: steps_out(in)
};

/// A trained tensor and its gradient, views into the network.
struct Parameter {
  std::string name;  ///< "layers.0.conv1d.kernel", "output.bias"
  Tensor<float> value;
  Tensor<float> gradient;
  bool decay = false;  ///< weight decay applies: kernels yes; biases, gamma and beta no
};

/// A tensor that is saved with the model but not trained: running statistics.
struct State {
  std::string name;
  Tensor<float> value;
};

/// Where in a network a layer stands.
struct LayerSite {
  std::string name;         ///< "layers.0.conv1d", for messages and parameter names
  std::uint32_t index = 0;  ///< among all layers, for random numbers
  std::uint32_t inner = 0;  ///< the first number that is free for layers inside this one: a layer
                            ///< with some says how many by `inner_numbers(const Options&)`
  std::uint64_t seed = 0;
  Shape input;  ///< of one row: [time, channels] or [features]
  /// Rows may be padded: what a layer does with one must not hang on input[0], its time.
  bool masked = false;
  /// Numbers that its parameters may have: a layer list out of a file must not take more memory
  /// than the weights that come with it.
  Index max_parameters = std::numeric_limits<Index>::max();
};

/// One layer of a network: owns its parameters, not its activations. Shapes are checked when it is
/// made: its constructor throws ConfigError naming the site where the input does not fit. x, y, dx
/// and dy below are [batch, ...] of the input's and output's shape, and never overlap.
///
/// Where there are lengths, x and dy are 0 behind each row's steps, and so must y and dx be
/// (clear_padding); nothing else may depend on how many steps are behind them: no sum, mean or
/// largest takes padding in. tests/pipeline/model/masks_test.cpp asks this of every layer.
class Layer {
 public:
  Layer() = default;
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  Layer(Layer&&) = delete;
  Layer& operator=(Layer&&) = delete;

  /// Shape of one row of the output.
  virtual Shape output() const = 0;
  /// Steps that a row with so many of its own has behind this layer, whatever it is padded to; at
  /// least 1. Asked of layers from sequences to sequences.
  virtual Index steps_out(Index steps) const { return steps; }
  /// A row of y depends on the same row of x alone, bit for bit.
  virtual void infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
                     Tensor<float> y) = 0;
  virtual void forward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                       Tensor<const float> x, Tensor<float> y) {
    (void)key;
    infer(context, lengths, x, y);
  }
  /// Follows forward with the same lengths, key, x and y. Overwrites the gradients of the
  /// parameters and, where it is not an empty view, dx.
  virtual void backward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                        Tensor<const float> x, Tensor<const float> y, Tensor<const float> dy,
                        Tensor<float> dx) = 0;
  /// The momentum of running statistics in passes from now on; null: what the options say, as
  /// before the first call. Layers without statistics, also inside, do nothing.
  virtual void use_statistics_momentum(std::optional<double> momentum) { (void)momentum; }
  /// Puts what the layer keeps, trained numbers and all, on the context's device; views into it are
  /// no longer valid. Layers that keep nothing do nothing.
  virtual void move_to(Context& context) { (void)context; }
  virtual std::vector<Parameter> parameters() { return {}; }
  virtual std::vector<State> state() { return {}; }
};

}  // namespace serenade
