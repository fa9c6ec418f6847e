#include "tests/cudnn/convolutions_of.h"

#include <string>
#include <utility>
#include <variant>

#include "pipeline/experiment/config.h"
#include "pipeline/features/extractor.h"
#include "pipeline/model/network.h"

namespace serenade::test {

namespace {

/// Those of layers one after another, `name` before their names, over rows of shape `row`.
void find(const std::vector<LayerSpec>& layers, const std::string& name, Index batch, Shape row,
          std::vector<ConfiguredConvolution>& found) {
  const auto with_batch = [&](const Shape& one) { return Shape{batch, one[0], one[1]}; };
  for (std::size_t i = 0; i < layers.size(); ++i) {
    LayerSite site;
    site.name = name + std::to_string(i) + "." + std::string(layers[i].name());
    site.input = row;
    const Shape output = make_layer(layers[i], site)->output();
    if (const auto* options = std::get_if<Conv1dOptions>(&layers[i].options)) {
      found.push_back({site.name, convolution_of(*options, with_batch(row), with_batch(output)),
                       options->use_bias});
    }
    if (const auto* block = std::get_if<ResidualOptions>(&layers[i].options)) {
      find(block->layers, site.name + ".", batch, row, found);
      // The shortcut, where one is needed: in shipped experiments it keeps the time.
      if (row != output) {
        if (row[0] != output[0]) throw ConfigError(site.name + ": a shortcut that strides: teach");
        Conv1dOptions shortcut;
        shortcut.filters = static_cast<int>(output[1]);
        shortcut.kernel_size = 1;
        found.push_back({site.name + ".shortcut",
                         convolution_of(shortcut, with_batch(row), with_batch(output)), false});
      }
    }
    if (const auto* stack = std::get_if<TemporalStackOptions>(&layers[i].options)) {
      const Shape inside{batch, row[0], stack->filters};
      Conv1dOptions one;
      one.filters = stack->filters;
      one.kernel_size = 1;
      found.push_back({site.name + ".input", convolution_of(one, with_batch(row), inside), true});
      one.kernel_size = stack->kernel_size;
      for (int level = 0; level < stack->levels; ++level) {
        one.dilation = 1 << level;
        for (const auto padding : {Padding::causal, Padding::anticausal}) {
          one.padding = padding;
          found.push_back(
              {site.name + "." + std::string(enum_name(padding)) + "." + std::to_string(level),
               convolution_of(one, inside, inside), false});
        }
      }
    }
    row = output;
  }
}

}  // namespace

std::vector<ConfiguredConvolution> convolutions_of(const std::filesystem::path& config) {
  const ExperimentConfig experiment = load_experiment(config);
  const Index dims = FeatureExtractor(experiment.features).dims();
  // As NetworkInput has it. Where the clips decide on the number of frames, any will do.
  const Shape input = experiment.features.statistics.empty()
                          ? Shape{experiment.model.frames.value_or(192), dims}
                          : Shape{dims, 1};
  std::vector<ConfiguredConvolution> found;
  find(experiment.model.layers, "layers.", experiment.training.batch_size, input, found);
  return found;
}

}  // namespace serenade::test
