#include "pipeline/model/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/device/checks.h"

namespace serenade {
namespace {

template <std::size_t I = 0>
std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const LayerSite& site) {
  if constexpr (I < std::tuple_size_v<LayerTable>) {
    using Type = std::tuple_element_t<I, LayerTable>;
    if (const auto* options = std::get_if<typename Type::Options>(&spec.options)) {
      check_ranges(*options);
      return std::make_unique<Type>(*options, site);
    }
    return make_layer<I + 1>(spec, site);
  } else {
    throw ConfigError(site.name + ": no such layer");
  }
}

/// [batch, row...]
Shape batched(Index batch, const Shape& row) {
  switch (row.rank()) {
    case 1:
      return {batch, row[0]};
    case 2:
      return {batch, row[0], row[1]};
    default:
      throw ConfigError("a network's input is " + to_string(row) +
                        " but must be [time, channels] or [features]");
  }
}

}  // namespace

Network::Network(const ModelSpec& spec, Shape input, Index classes, std::uint64_t seed,
                 Index max_parameters)
    : spec_(spec), input_(input), classes_(classes), seed_(seed) {
  if (classes < 1) throw ConfigError("a network needs at least one class");
  if (batched(1, input).size() == 0) {
    throw ConfigError("a network's input is empty: " + to_string(input));
  }
  LayerSite site{"", 0, seed, input, max_parameters};
  const auto add = [&](const LayerSpec& layer) {
    layers_.push_back(make_layer(layer, site));
    names_.push_back(site.name);
    site.input = layers_.back()->output();
    for (const Parameter& parameter : layers_.back()->parameters()) {
      site.max_parameters -= parameter.value.size();
    }
    ++site.index;
  };
  for (const LayerSpec& layer : spec.layers) {
    site.name = fmt::format("layers.{}.{}", site.index, layer.name());
    add(layer);
  }
  if (site.input.rank() != 1) {
    throw ConfigError("the last of model.layers gives " + to_string(site.input) +
                      " but must give a vector; end with a global pool or flatten");
  }
  if (classes > 65536) throw ConfigError("a network has at most 65536 classes");
  site.name = "output";
  add(LayerSpec{DenseOptions{static_cast<int>(classes), true}});

  for (const auto& layer : layers_) {
    std::ranges::move(layer->parameters(), std::back_inserter(parameters_));
    std::ranges::move(layer->state(), std::back_inserter(state_));
  }
  outputs_.resize(layers_.size());
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

Network Network::clone() const {
  Network other(spec_, input_, classes_, seed_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    std::ranges::copy(parameters_[i].value.span(), other.parameters_[i].value.data());
  }
  for (std::size_t i = 0; i < state_.size(); ++i) {
    std::ranges::copy(state_[i].value.span(), other.state_[i].value.data());
  }
  return other;
}

void Network::begin(Tensor<const float> x) {
  const Index batch = x.rank() > 0 ? x.extent(0) : 0;
  expect_shape("network", "x", x.shape(), batched(batch, input_));
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    outputs_[i].resize(batched(batch, layers_[i]->output()));
  }
  trained_ = false;
}

Tensor<const float> Network::infer(Context& context, Tensor<const float> x) {
  begin(x);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->infer(context, x, outputs_[i].view());
    x = outputs_[i].view();
  }
  return x;
}

Tensor<const float> Network::forward(Context& context, Tensor<const float> x,
                                     const TrainingKey& key) {
  begin(x);
  expect_shape("network", "utterances", key.utterances.shape(), Shape{x.extent(0)});
  x_ = x;
  key_ = key;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i]->forward(context, key, x, outputs_[i].view());
    x = outputs_[i].view();
  }
  trained_ = true;
  return x;
}

void Network::backward(Context& context, Tensor<const float> dlogits, Tensor<float> dx) {
  if (!trained_) throw ShapeError("network: backward must follow a forward");
  expect_shape("network", "dlogits", dlogits.shape(), outputs_.back().shape());
  if (dx.data() != nullptr) expect_shape("network", "dx", dx.shape(), x_.shape());
  Tensor<const float> gradient = dlogits;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    Tensor<float> before = dx;
    if (i > 0) {
      Array<float>& buffer = gradients_[i % 2];
      buffer.resize(outputs_[i - 1].shape());
      before = buffer.view();
    }
    const Tensor<const float> x = i > 0 ? outputs_[i - 1].view() : x_;
    layers_[i]->backward(context, key_, x, outputs_[i].view(), gradient, before);
    gradient = before;
  }
}

Index Network::parameter_count() const {
  Index count = 0;
  for (const Parameter& parameter : parameters_) count += parameter.value.size();
  return count;
}

std::vector<LayerSummary> Network::layers() const {
  std::vector<LayerSummary> all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerSummary layer{.type = "dense", .options = "", .output = layers_[i]->output()};
    if (i < spec_.layers.size()) {
      layer.type = spec_.layers[i].name();
      std::visit([&](const auto& options) { layer.options = canonical_text(options); },
                 spec_.layers[i].options);
    } else {
      layer.options = fmt::format("one unit for each of the {} classes", classes_);
    }
    for (const Parameter& parameter : layers_[i]->parameters()) {
      layer.parameters += parameter.value.size();
    }
    all.push_back(std::move(layer));
  }
  return all;
}

}  // namespace serenade
