#include "pipeline/training/class_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "kernels/device/error.h"

namespace serenade {

void from_config(const ConfigNode& node, ClassWeights& weights) {
  weights = {};
  if (node.is_map()) {
    weights.kind = ClassWeights::Kind::map;
    for (const std::string& label : node.keys()) {
      read_value(node.child(label), weights.weights[label], Range{0, 1e6});
    }
    return;
  }
  const std::string word = node.is_scalar() ? node.scalar() : std::string();
  if (word == "balanced") {
    weights.kind = ClassWeights::Kind::balanced;
  } else if (word != "none") {
    node.fail("expected none, balanced, or a map of labels to weights");
  }
}

std::string option_text(const ClassWeights& weights) {
  switch (weights.kind) {
    case ClassWeights::Kind::none:
      return "none";
    case ClassWeights::Kind::balanced:
      return "balanced";
    default:
      break;
  }
  std::string text;
  for (const auto& [label, weight] : weights.weights) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", option_text(label), shortest(weight));
  }
  return "{" + text + "}";
}

std::vector<float> class_weights(const ClassWeights& weights, const DataSet& data,
                                 std::span<const std::size_t> rows) {
  if (weights.kind == ClassWeights::Kind::none) return {};
  const auto classes = static_cast<std::size_t>(data.classes());
  std::vector<float> all(classes, 1.0F);
  if (weights.kind == ClassWeights::Kind::map) {
    for (const auto& [label, weight] : weights.weights) {
      const auto found = std::ranges::find(data.labels(), label);
      if (found == data.labels().end()) {
        throw ConfigError(
            fmt::format("training.class_weights: there is no class '{}'{}; there are "
                        "{}",
                        label, did_you_mean(label, data.labels()), fmt::join(data.labels(), ", ")));
      }
      all[static_cast<std::size_t>(found - data.labels().begin())] = static_cast<float>(weight);
    }
    const auto counts = [&](std::size_t row) {
      return all[static_cast<std::size_t>(data.label(row))] > 0;
    };
    if (!rows.empty() && std::ranges::none_of(rows, counts)) {
      throw ConfigError(
          "training.class_weights: every class of the training part weighs 0, so that nothing "
          "would "
          "be learned; give at least one a weight above 0");
    }
    return all;
  }
  std::vector<std::size_t> clips(classes, 0);
  for (const std::size_t row : rows) ++clips[static_cast<std::size_t>(data.label(row))];
  const auto present = classes - static_cast<std::size_t>(std::ranges::count(clips, 0U));
  for (std::size_t c = 0; c < classes; ++c) {
    all[c] = clips[c] == 0 ? 0.0F
                           : static_cast<float>(static_cast<double>(rows.size()) /
                                                static_cast<double>(present * clips[c]));
  }
  return all;
}

}  // namespace serenade
