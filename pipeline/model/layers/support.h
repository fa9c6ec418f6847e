#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "pipeline/model/layer.h"

namespace serenade {

/// Throws ConfigError "layers.2.conv1d: gets [64] but needs at least 5 time steps".
[[noreturn]] inline void refuse(const LayerSite& site, const std::string& why) {
  throw ConfigError(site.name + ": gets " + to_string(site.input) + " but " + why);
}

/// Puts an array on the context's device, numbers and all.
template <class T>
void move_array(Context& context, Array<T>& array) {
  Array<T> there(array.size() > 0 ? array.shape() : Shape{0}, context.device());
  if (array.size() > 0) copy(context, Tensor<const T>(array.view()), there.view());
  array = std::move(there);
}
/// The same for one that holds nothing between two passes.
template <class T>
void move_room(Context& context, Array<T>& array) {
  array = Array<T>(Shape{0}, context.device());
}

/// A parameter's numbers and their gradient; empty where the layer does without it.
struct Trained {
  Trained() = default;
  /// Throws ConfigError for more than site.max_parameters numbers, without taking memory for them.
  Trained(const LayerSite& site, Shape shape) {
    Index left = site.max_parameters;
    for (int axis = 0; axis < shape.rank(); ++axis) left /= std::max<Index>(shape[axis], 1);
    if (left < 1) {
      refuse(site, "parameters " + to_string(shape) + " are more than the " +
                       std::to_string(site.max_parameters) + " numbers there are for them");
    }
    value.resize(shape);
    gradient.resize(shape);
  }
  void move_to(Context& context) {
    move_array(context, value);
    move_array(context, gradient);
  }
  Parameter parameter(std::string name, bool decay) {
    return {std::move(name), value.view(), gradient.view(), decay};
  }
  Array<float> value, gradient;
};

/// Throws ConfigError "layers.2.dense: gets [9, 64] but takes [features]" unless the input has that
/// many axes.
inline void expect_rank(const LayerSite& site, int rank, std::string_view takes) {
  if (site.input.rank() != rank) refuse(site, "takes " + std::string(takes));
}

}  // namespace serenade
