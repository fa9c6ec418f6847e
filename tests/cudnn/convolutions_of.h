#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/nn/convolution.h"

namespace serenade::test {

struct ConfiguredConvolution {
  std::string layer;  ///< "layers.0.conv1d"
  Convolution convolution;
  bool bias = false;
};

/// The convolutions of an experiment's network in training, in order of the layers, at its batch
/// size. Throws as load_experiment, and ConfigError for layers with layers inside them.
std::vector<ConfiguredConvolution> convolutions_of(const std::filesystem::path& config);

}  // namespace serenade::test
