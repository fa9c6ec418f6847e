#include "pipeline/model/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/device/checks.h"
#include "kernels/device/copy.h"

namespace serenade {
namespace {

/// Where the layers stand; numbers of layers inside others follow that of the last.
LayerSite site_of(const ModelSpec& spec, const Shape& input, Index classes, std::uint64_t seed,
                  Index max_parameters) {
  if (classes < 1) throw ConfigError("a network needs at least one class");
  if (batched(1, input).size() == 0) {
    throw ConfigError("a network's input is empty: " + to_string(input));
  }
  LayerSite site;
  site.inner = static_cast<std::uint32_t>(spec.layers.size()) + 1;
  site.seed = seed;
  site.input = input;
  site.masked = spec.masked && input.rank() == 2;
  site.max_parameters = max_parameters;
  return site;
}

}  // namespace

Network::Network(const ModelSpec& spec, Shape input, Index classes, std::uint64_t seed,
                 Index max_parameters)
    : spec_(spec),
      input_(input),
      classes_(classes),
      seed_(seed),
      layers_(site_of(spec, input, classes, seed, max_parameters)) {
  std::uint32_t index = 0;
  for (const LayerSpec& layer : spec.layers) {
    layers_.add(layer, fmt::format("layers.{}.{}", index, layer.name()), index);
    ++index;
  }
  if (layers_.output().rank() != 1) {
    throw ConfigError("the last of model.layers gives " + to_string(layers_.output()) +
                      " but must give a vector; end with a global pool or flatten");
  }
  if (classes > 65536) throw ConfigError("a network has at most 65536 classes");
  layers_.add(LayerSpec{DenseOptions{static_cast<int>(classes), true}}, "output", index);
  parameters_ = layers_.parameters();
  state_ = layers_.state();
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

Network Network::clone() const {
  if (device_ != Device::cpu) throw ShapeError("network: only one on the CPU can be cloned");
  Network other(spec_, input_, classes_, seed_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    std::ranges::copy(parameters_[i].value.span(), other.parameters_[i].value.data());
  }
  for (std::size_t i = 0; i < state_.size(); ++i) {
    std::ranges::copy(state_[i].value.span(), other.state_[i].value.data());
  }
  return other;
}

Network Network::on(Context& context) const {
  Network other = clone();
  other.layers_.move_to(context);
  other.device_ = context.device();
  other.parameters_ = other.layers_.parameters();
  other.state_ = other.layers_.state();
  return other;
}

void Network::take_weights(Context& context, const Network& other) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    copy(context, Tensor<const float>(other.parameters_.at(i).value), parameters_[i].value);
  }
  for (std::size_t i = 0; i < state_.size(); ++i) {
    copy(context, Tensor<const float>(other.state_.at(i).value), state_[i].value);
  }
}

void Network::expect_input(Tensor<const float> x, const Lengths& lengths) const {
  const Index batch = x.rank() > 0 ? x.extent(0) : 0;
  expect_shape("network", "x", x.shape(), batched(batch, input_));
  if (lengths.data() == nullptr) return;
  if (!layers_.site().masked) {
    throw ShapeError("network: there are lengths of rows, but it was not made with model.masked");
  }
  expect_lengths("network", lengths, batch);
}

Tensor<const float> Network::infer(Context& context, Tensor<const float> x,
                                   const Lengths& lengths) {
  expect_input(x, lengths);
  trained_ = false;
  return layers_.infer(context, lengths, x);
}

Tensor<const float> Network::forward(Context& context, Tensor<const float> x,
                                     const TrainingKey& key, const Lengths& lengths) {
  expect_input(x, lengths);
  expect_shape("network", "utterances", key.utterances.shape(), Shape{x.extent(0)});
  x_ = x;
  key_ = key;
  trained_ = true;
  return layers_.forward(context, lengths, key, x);
}

void Network::backward(Context& context, Tensor<const float> dlogits, Tensor<float> dx) {
  if (!trained_) throw ShapeError("network: backward must follow a forward");
  expect_shape("network", "dlogits", dlogits.shape(), Shape{x_.extent(0), classes_});
  if (dx.data() != nullptr) expect_shape("network", "dx", dx.shape(), x_.shape());
  layers_.backward(context, key_, x_, dlogits, dx);
}

Index Network::parameter_count() const {
  Index count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.value.size();
  return count;
}

std::vector<LayerSummary> Network::layers() const {
  std::vector<LayerSummary> all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerSummary layer{.type = "dense", .options = "", .output = layers_.layer(i).output()};
    if (i < spec_.layers.size()) {
      layer.type = spec_.layers[i].name();
      std::visit([&](const auto& options) { layer.options = canonical_text(options); },
                 spec_.layers[i].options);
    } else {
      layer.options = fmt::format("one unit for each of the {} classes", classes_);
    }
    for (const Parameter& parameter : layers_.layer(i).parameters()) {
      layer.parameters += parameter.value.size();
    }
    all.push_back(std::move(layer));
  }
  return all;
}

}  // namespace serenade
