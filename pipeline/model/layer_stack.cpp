#include "pipeline/model/layer_stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/model/model_spec.h"

namespace serenade {
namespace {

template <std::size_t I = 0>
std::unique_ptr<Layer> made(const LayerSpec& spec, const LayerSite& site) {
  if constexpr (I < std::tuple_size_v<LayerTable>) {
    using Type = std::tuple_element_t<I, LayerTable>;
    if (const auto* options = std::get_if<typename Type::Options>(&spec.options)) {
      check_ranges(*options);
      return std::make_unique<Type>(*options, site);
    }
    return made<I + 1>(spec, site);
  } else {
    throw ConfigError(site.name + ": no such layer");
  }
}

/// Gives a layer's result its shape; throws IoError naming the layer where memory does not suffice.
void make_room(const std::string& name, Array<float>& array, const Shape& shape) {
  try {
    array.resize(shape);
  } catch (const std::bad_alloc&) {
    double bytes = sizeof(float);
    for (int axis = 0; axis < shape.rank(); ++axis) bytes *= static_cast<double>(shape[axis]);
    throw IoError(
        fmt::format("model.{}: not enough memory for its result {} of a batch ({:.0f} "
                    "MiB); make training.batch_size or model.frames smaller",
                    name, to_string(shape), bytes / (1 << 20)));
  }
}

}  // namespace

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

std::uint32_t inner_numbers(const LayerSpec& spec) {
  std::uint32_t count = 0;
  for_each_layer([&]<class Type>() {
    if constexpr (requires(const typename Type::Options& options) {
                    Type::inner_numbers(options);
                  }) {
      const auto* options = std::get_if<typename Type::Options>(&spec.options);
      if (options != nullptr) count = Type::inner_numbers(*options);
    }
  });
  return count;
}

std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const LayerSite& site) {
  return made(spec, site);
}

void LayerStack::add(const LayerSpec& spec, std::string name, std::uint32_t index) {
  site_.name = std::move(name);
  site_.index = index;
  try {
    layers_.push_back(make_layer(spec, site_));
  } catch (const std::bad_alloc&) {
    throw IoError(fmt::format("model.{}: not enough memory for its weights; its input is {}",
                              site_.name, to_string(site_.input)));
  }
  names_.push_back(site_.name);
  outputs_.emplace_back();
  add_table(site_.input);
  site_.inner += inner_numbers(spec);
  site_.input = layers_.back()->output();
  for (const Parameter& parameter : layers_.back()->parameters()) {
    site_.max_parameters -= parameter.value.size();
  }
}

/// A table, so that lengths follow a layer on a GPU whatever its rule is.
void LayerStack::add_table(const Shape& input) {
  const Layer& layer = *layers_.back();
  Array<std::int32_t>& table = tables_.emplace_back();
  lengths_.emplace_back();
  around_.emplace_back();
  if (!site_.masked || input.rank() != 2 || layer.output().rank() != 2) return;
  bool same = true;
  table.resize({input[0] + 1});
  for (Index steps = 1; steps <= input[0]; ++steps) {
    table[steps] = static_cast<std::int32_t>(layer.steps_out(steps));
    same = same && table[steps] == steps;
  }
  if (same) table = {};
}

Index LayerStack::steps_out(Index steps) const {
  for (const auto& layer : layers_) steps = layer->steps_out(steps);
  return steps;
}

/// Works out the lengths around a layer and remembers them for the way back.
const RowLengths& LayerStack::follow(Context& context, std::size_t i, const Lengths& in) {
  RowLengths& around = around_[i];
  around = {in, {}};
  if (in.data() == nullptr || layers_[i]->output().rank() != 2) return around;
  around.out = in;
  if (tables_[i].size() == 0) return around;
  lengths_[i].resize(in.shape());
  map_lengths(context, in, tables_[i].view(), lengths_[i].view());
  around.out = lengths_[i].view();
  return around;
}

void LayerStack::resize(Index batch) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    make_room(names_[i], outputs_[i], batched(batch, layers_[i]->output()));
  }
}

Tensor<const float> LayerStack::infer(Context& context, const Lengths& lengths,
                                      Tensor<const float> x) {
  resize(x.extent(0));
  Lengths in = lengths;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const RowLengths& around = follow(context, i, in);
    layers_[i]->infer(context, around, x, outputs_[i].view());
    x = outputs_[i].view();
    in = around.out;
  }
  return x;
}

Tensor<const float> LayerStack::forward(Context& context, const Lengths& lengths,
                                        const TrainingKey& key, Tensor<const float> x) {
  resize(x.extent(0));
  Lengths in = lengths;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const RowLengths& around = follow(context, i, in);
    layers_[i]->forward(context, around, key, x, outputs_[i].view());
    x = outputs_[i].view();
    in = around.out;
  }
  return x;
}

void LayerStack::backward(Context& context, const TrainingKey& key, Tensor<const float> x,
                          Tensor<const float> dy, Tensor<float> dx) {
  Tensor<const float> gradient = dy;
  for (std::size_t i = layers_.size(); i-- > 0;) {
    Tensor<float> before = dx;
    if (i > 0) {
      Array<float>& buffer = gradients_[i % 2];
      make_room(names_[i], buffer, outputs_[i - 1].shape());
      before = buffer.view();
    }
    const Tensor<const float> input = i > 0 ? outputs_[i - 1].view() : x;
    layers_[i]->backward(context, around_[i], key, input, outputs_[i].view(), gradient, before);
    gradient = before;
  }
}

void LayerStack::use_statistics_momentum(std::optional<double> momentum) {
  for (const auto& layer : layers_) layer->use_statistics_momentum(momentum);
}

void LayerStack::move_to(Context& context) {
  for (const auto& layer : layers_) layer->move_to(context);
  for (Array<float>& output : outputs_) move_room(context, output);
  for (auto& table : tables_) move_array(context, table);
  for (auto& lengths : lengths_) move_room(context, lengths);
  for (Array<float>& gradient : gradients_) move_room(context, gradient);
}

std::vector<Parameter> LayerStack::parameters() const {
  std::vector<Parameter> all;
  for (const auto& layer : layers_) std::ranges::move(layer->parameters(), std::back_inserter(all));
  return all;
}

std::vector<State> LayerStack::state() const {
  std::vector<State> all;
  for (const auto& layer : layers_) std::ranges::move(layer->state(), std::back_inserter(all));
  return all;
}

}  // namespace serenade
