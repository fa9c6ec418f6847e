#include "tests/cudnn/convolutions_of.h"

#include <variant>

#include "pipeline/experiment/config.h"
#include "pipeline/features/extractor.h"
#include "pipeline/model/network.h"

namespace serenade::test {

std::vector<ConfiguredConvolution> convolutions_of(const std::filesystem::path& config) {
  const ExperimentConfig experiment = load_experiment(config);
  const Index dims = FeatureExtractor(experiment.features).dims();
  // As NetworkInput has it. Where the clips decide on the number of frames, any will do.
  const Shape input = experiment.features.statistics.empty()
                          ? Shape{experiment.model.frames.value_or(192), dims}
                          : Shape{dims, 1};
  const std::vector<LayerSummary> layers = Network(experiment.model, input, 8, 1).layers();
  std::vector<ConfiguredConvolution> found;
  const Index batch = experiment.training.batch_size;
  Shape row = input;
  for (std::size_t i = 0; i < experiment.model.layers.size(); ++i) {
    const LayerOptions& layer = experiment.model.layers[i].options;
    if (std::holds_alternative<ResidualOptions>(layer)) {
      throw ConfigError("convolutions_of does not look into residual layers yet: teach it");
    }
    const Shape& output = layers[i].output;
    if (const auto* options = std::get_if<Conv1dOptions>(&layer)) {
      const auto with_batch = [&](const Shape& one) { return Shape{batch, one[0], one[1]}; };
      found.push_back({"layers." + std::to_string(i) + ".conv1d",
                       convolution_of(*options, with_batch(row), with_batch(output)),
                       options->use_bias});
    }
    if (const auto* stack = std::get_if<TemporalStackOptions>(&layer)) {
      const Shape inside{batch, row[0], stack->filters};
      Conv1dOptions one;
      one.filters = stack->filters;
      one.kernel_size = 1;
      const std::string name = "layers." + std::to_string(i) + ".temporal_stack.";
      found.push_back({name + "input", convolution_of(one, {batch, row[0], row[1]}, inside), true});
      one.kernel_size = stack->kernel_size;
      for (int level = 0; level < stack->levels; ++level) {
        one.dilation = 1 << level;
        for (const auto padding : {Padding::causal, Padding::anticausal}) {
          one.padding = padding;
          found.push_back({name + std::string(enum_name(padding)) + "." + std::to_string(level),
                           convolution_of(one, inside, inside), false});
        }
      }
    }
    row = output;
  }
  return found;
}

}  // namespace serenade::test
