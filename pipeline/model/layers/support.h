#pragma once

#include <string>
#include <string_view>

#include "kernels/device/error.h"
#include "pipeline/model/layer.h"

namespace serenade {

/// A parameter's numbers and their gradient; empty where the layer does without it.
struct Trained {
  Trained() = default;
  explicit Trained(Shape shape) : value(shape), gradient(shape) {}
  Parameter parameter(std::string name, bool decay) {
    return {std::move(name), value.view(), gradient.view(), decay};
  }
  Array<float> value, gradient;
};

/// Throws ConfigError "layers.2.conv1d: gets [64] but needs at least 5 time steps".
[[noreturn]] inline void refuse(const LayerSite& site, const std::string& why) {
  throw ConfigError(site.name + ": gets " + to_string(site.input) + " but " + why);
}

inline void expect_rank(const LayerSite& site, int rank, std::string_view takes) {
  if (site.input.rank() != rank) refuse(site, "takes " + std::string(takes));
}

}  // namespace serenade
