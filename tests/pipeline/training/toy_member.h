#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pipeline/config/yaml.h"
#include "pipeline/training/member.h"
#include "pipeline/training/scaler.h"
#include "tests/pipeline/training/toy.h"

namespace serenade::test {

/// Every kind of layer whose training differs from its inference, on few numbers.
inline ModelSpec toy_model() {
  ModelSpec spec;
  read_options(ConfigNode::parse("layers:\n"
                                 "  - conv1d: {filters: 8, kernel_size: 5}\n"
                                 "  - batch_norm\n"
                                 "  - relu\n"
                                 "  - max_pool: {pool_size: 2}\n"
                                 "  - dropout: {rate: 0.2}\n"
                                 "  - conv1d: {filters: 8, kernel_size: 3}\n"
                                 "  - relu\n"
                                 "  - global_average_pool\n",
                                 "model"),
               spec);
  return spec;
}

inline TrainingOptions training_options(const std::string& yaml) {
  TrainingOptions options;
  read_options(ConfigNode::parse(yaml, "training"), options);
  return options;
}

inline AugmentationOptions augmentation_options(const std::string& yaml) {
  AugmentationOptions options;
  read_options(ConfigNode::parse(yaml, "augmentation"), options);
  return options;
}

inline Member member_of(const DataSet& data, const Fold& fold, const TrainingOptions& options,
                        std::uint64_t seed = 1, const std::string& name = "toy",
                        const AugmentationOptions& augmentation = {}) {
  NetworkInput input(InputLayout::frames, fit_scaler(data, fold.training()), 20);
  Network network(toy_model(), input.shape(), data.classes(), seed);
  return {name,    std::move(network), std::move(input), fold.training(), fold.validation(),
          options, augmentation};
}

/// Every bit of the weights of a network.
inline std::string bits(const Weights& weights) {
  std::string text;
  for (const auto& [name, value] : weights) {
    text += name;
    text.append(reinterpret_cast<const char*>(value.data()),
                static_cast<std::size_t>(value.size()) * sizeof(float));
  }
  return text;
}
inline std::string bits(const Network& network) { return bits(copy_weights(network)); }

}  // namespace serenade::test
