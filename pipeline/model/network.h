#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/model/layer_stack.h"
#include "pipeline/model/model_spec.h"

namespace serenade {

/// One layer of a network, for people.
struct LayerSummary {
  std::string type;     ///< "conv1d"
  std::string options;  ///< canonical: "{filters: 64, kernel_size: 5, ...}"
  Shape output;         ///< of one row
  Index parameters = 0;
};

/// A network built from a layer list. The last layer of the list must give a vector; a dense layer
/// to `classes` logits is added by the network itself and is not listed ("output" in names); its
/// softmax is part of the loss (kernels/nn/loss.h).
///
/// Kernels begin as Keras' glorot_uniform, biases and beta as zeros, gamma as ones, running mean 0
/// and running variance 1. Two networks with the same specification, input, classes and seed are
/// the same bit for bit. Move-only; a Network serves one caller at a time. Activations are kept
/// between calls: a step at a batch size no larger than one before allocates nothing.
class Network {
 public:
  /// `input` is the shape of one row: [time, channels], or [features] for a network of dense
  /// layers. Throws ConfigError naming a layer by position and type where its input does not fit,
  /// or where the parameters up to it are more than max_parameters numbers.
  Network(const ModelSpec& spec, Shape input, Index classes, std::uint64_t seed,
          Index max_parameters = std::numeric_limits<Index>::max());
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// Another network with the same parameters and running statistics.
  Network clone() const;

  /// A copy of it on the context's device, with the same numbers; its tensors live there. The
  /// network itself must be one of the CPU, as all are at first.
  Network on(Context& context) const;
  Device device() const { return device_; }
  /// Takes over the parameters and running statistics of a network of the same layers on any
  /// device.
  void take_weights(Context& context, const Network& other);

  /// Logits [batch, classes] for x [batch, ...input]; valid until the next call. Dropout does
  /// nothing, batch norm uses its running statistics: a row's bits do not depend on the other rows,
  /// on the batch size or on the number of threads. Throws ShapeError where x does not fit.
  ///
  /// lengths [batch]: of a network with masks (ModelSpec::masked) the steps that are a row's own,
  /// each at least 1; x must be 0 behind them, and results do not depend on how many steps those
  /// are. An empty view: all are.
  Tensor<const float> infer(Context& context, Tensor<const float> x, const Lengths& lengths = {});

  /// The same in training: dropout masks drawn for `key`, batch statistics used and followed.
  /// x, lengths and the key's utterances are read again by backward.
  Tensor<const float> forward(Context& context, Tensor<const float> x, const TrainingKey& key,
                              const Lengths& lengths = {});

  /// Overwrites the gradient of every parameter; dlogits [batch, classes] as the loss gives it.
  /// Follows a forward. Where dx is not empty it receives the gradient of x.
  void backward(Context& context, Tensor<const float> dlogits, Tensor<float> dx = {});

  /// What share of the running statistics a forward pass keeps from now on, whatever the layers'
  /// options say; null: what they say.
  void use_statistics_momentum(std::optional<double> momentum) {
    layers_.use_statistics_momentum(momentum);
  }

  /// In order of the layers; views, valid as long as the network.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<State>& state() const { return state_; }
  /// Number of trained numbers.
  Index parameter_count() const;

  const ModelSpec& spec() const { return spec_; }
  const Shape& input() const { return input_; }
  Index classes() const { return classes_; }
  std::uint64_t seed() const { return seed_; }

  /// What the layers are, in order, the one that the network adds included.
  std::vector<LayerSummary> layers() const;

 private:
  void expect_input(Tensor<const float> x, const Lengths& lengths) const;

  ModelSpec spec_;
  Shape input_;
  Index classes_ = 0;
  std::uint64_t seed_ = 0;
  Device device_ = Device::cpu;
  LayerStack layers_;
  std::vector<Parameter> parameters_;
  std::vector<State> state_;
  Tensor<const float> x_;
  TrainingKey key_;
  bool trained_ = false;  ///< the last pass was forward(), so backward() may follow
};

}  // namespace serenade
