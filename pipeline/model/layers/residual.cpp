#include "pipeline/model/layers/residual.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "kernels/nn/add.h"
#include "pipeline/model/model_spec.h"

namespace serenade {
namespace {

LayerSite inside(const LayerSite& site, const ResidualOptions& options) {
  LayerSite inner = site;
  // the block's own layers come first, then the shortcut, then what is inside of those
  inner.inner = site.inner + static_cast<std::uint32_t>(options.layers.size()) + 1;
  return inner;
}

/// Of a network with masks: the strided convolution that leaves rows of any length as many steps as
/// the stack does, so that it does not hang on how far rows are padded; none where there is none.
std::optional<LayerSpec> projection_of_any_length(const Shape& from, const LayerStack& stack) {
  const Shape& to = stack.output();
  Conv1dOptions convolution;
  convolution.filters = static_cast<int>(to[1]);
  convolution.use_bias = false;
  // Beyond the time at hand, where several strides may give the same.
  const Index longest = 2 * from[0] + 1024;
  for (int stride = 1; stride <= std::min<Index>(from[0], 1023); ++stride) {
    for (const auto padding : {Padding::same, Padding::valid}) {
      convolution.padding = padding;
      convolution.stride = stride;
      convolution.kernel_size = padding == Padding::same ? 1 : stride;
      bool fits = conv1d_output_time(convolution, from[0]) == to[0];
      for (Index steps = 1; fits && steps <= longest; ++steps) {
        fits = std::max<Index>(1, conv1d_output_time(convolution, steps)) == stack.steps_out(steps);
      }
      if (fits) return LayerSpec{convolution};
    }
  }
  return {};
}

/// The linear map from one row's shape to another; none where there is no such map.
std::optional<LayerSpec> projection(const Shape& from, const Shape& to) {
  if (from.rank() == 1 && to.rank() == 1) {
    return LayerSpec{DenseOptions{static_cast<int>(to[0]), false}};
  }
  if (from.rank() != 2 || to.rank() != 2) return {};
  Conv1dOptions convolution;
  convolution.filters = static_cast<int>(to[1]);
  convolution.use_bias = false;
  // ceil(time / stride) steps, as strided layers that pad give, or floor, as pools do
  for (const auto padding : {Padding::same, Padding::valid}) {
    const Index up = padding == Padding::same ? to[0] - 1 : 0;
    convolution.padding = padding;
    convolution.stride = static_cast<int>(std::min<Index>((from[0] + up) / to[0], 65536));
    convolution.kernel_size = padding == Padding::same ? 1 : std::min(convolution.stride, 1023);
    if (conv1d_output_time(convolution, from[0]) == to[0]) return LayerSpec{convolution};
  }
  return {};
}

}  // namespace

ResidualLayer::ResidualLayer(const Options& options, const LayerSite& site)
    : stack_(inside(site, options)) {
  if (options.layers.empty()) refuse(site, "has no layers to go around");
  std::uint32_t position = 0;
  for (const LayerSpec& layer : options.layers) {
    stack_.add(layer, fmt::format("{}.{}.{}", site.name, position, layer.name()),
               site.inner + position);
    ++position;
  }
  const bool same = site.input == stack_.output();
  if (options.shortcut == Shortcut::identity && !same) {
    refuse(site, "its layers give " + to_string(stack_.output()) +
                     ": an identity shortcut needs equal shapes");
  }
  if (options.shortcut == Shortcut::identity || (options.shortcut == Shortcut::automatic && same)) {
    return;
  }
  const bool padded = site.masked && site.input.rank() == 2 && stack_.output().rank() == 2;
  const auto map = padded ? projection_of_any_length(site.input, stack_)
                          : projection(site.input, stack_.output());
  if (!map) {
    refuse(site, "its layers give " + to_string(stack_.output()) +
                     ", which no strided convolution over one step makes of it" +
                     (padded ? " at every length of a row (model.masked)" : ""));
  }
  LayerSite shortcut = stack_.site();
  shortcut.name = site.name + ".shortcut";
  shortcut.index = site.inner + position;
  shortcut.input = site.input;
  projection_ = make_layer(*map, shortcut);
}

std::uint32_t ResidualLayer::inner_numbers(const Options& options) {
  auto count = static_cast<std::uint32_t>(options.layers.size()) + 1;  // and the shortcut
  for (const LayerSpec& inner : options.layers) count += serenade::inner_numbers(inner);
  return count;
}

void ResidualLayer::infer(Context& context, const RowLengths& lengths, Tensor<const float> x,
                          Tensor<float> y) {
  const Tensor<const float> inner = stack_.infer(context, lengths.in, x);
  if (projection_ != nullptr) {
    projected_.resize(y.shape());
    projection_->infer(context, lengths, x, projected_.view());
    x = projected_.view();
  }
  add(context, inner, x, y);
}

void ResidualLayer::forward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                            Tensor<const float> x, Tensor<float> y) {
  const Tensor<const float> inner = stack_.forward(context, lengths.in, key, x);
  if (projection_ != nullptr) {
    projected_.resize(y.shape());
    projection_->forward(context, lengths, key, x, projected_.view());
    x = projected_.view();
  }
  add(context, inner, x, y);
}

void ResidualLayer::backward(Context& context, const RowLengths& lengths, const TrainingKey& key,
                             Tensor<const float> x, Tensor<const float>, Tensor<const float> dy,
                             Tensor<float> dx) {
  stack_.backward(context, key, x, dy, dx);
  const bool wanted = dx.data() != nullptr;
  if (projection_ == nullptr) {
    if (wanted) add(context, dx, dy, dx);
    return;
  }
  if (wanted) dshortcut_.resize(x.shape());
  const auto through = wanted ? dshortcut_.view() : Tensor<float>{};
  projection_->backward(context, lengths, key, x, projected_.view(), dy, through);
  if (wanted) add(context, dx, through, dx);
}

void ResidualLayer::move_to(Context& context) {
  stack_.move_to(context);
  if (projection_ != nullptr) projection_->move_to(context);
  move_room(context, projected_);
  move_room(context, dshortcut_);
}

std::vector<Parameter> ResidualLayer::parameters() {
  std::vector<Parameter> all = stack_.parameters();
  if (projection_ != nullptr) {
    std::ranges::move(projection_->parameters(), std::back_inserter(all));
  }
  return all;
}

}  // namespace serenade
