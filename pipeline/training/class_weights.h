#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "pipeline/config/yaml.h"
#include "pipeline/training/dataset.h"

namespace serenade {

/// What a clip counts in the training loss, by its class: `none` (all alike), `balanced`, or a map
/// of labels to weights.
struct ClassWeights {
  enum class Kind { none, balanced, map };
  Kind kind = Kind::none;
  std::map<std::string, double> weights;  ///< of a map; labels that it leaves out weigh 1
};

/// Reads `none`, `balanced` or `{angry: 2, calm: 0.5}`. Weights are finite and at least 0.
void from_config(const ConfigNode& node, ClassWeights& weights);
/// Flow YAML that reads back as the same.
std::string option_text(const ClassWeights& weights);
/// For the reference page.
constexpr std::string_view option_values(const ClassWeights&) {
  return "none, balanced, or a map of labels to numbers";
}

/// The weight of each class; empty where all are alike. `balanced` is scikit-learn's: clips over
/// (classes that have any x clips of the class), counted over these rows alone, which are the
/// training rows; a class without clips weighs 0. Throws ConfigError naming a label of the map that
/// the data set does not have, and where every one of these rows weighs 0.
std::vector<float> class_weights(const ClassWeights& weights, const DataSet& data,
                                 std::span<const std::size_t> rows);

}  // namespace serenade
