#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/options.h"
#include "pipeline/config/yaml.h"
#include "pipeline/model/layer_table.h"
#include "pipeline/model/standard_scaler.h"

namespace serenade {

/// One item of `model.layers`: a name, or a name with options. The options' type is the layer's.
struct LayerSpec {
  LayerOptions options;
  /// "conv1d"
  std::string_view name() const;
};

/// Reads `relu` or `conv1d: {filters: 64}`; an unknown name is a ConfigError that names the
/// nearest.
void from_config(const ConfigNode& node, LayerSpec& spec);
/// Flow YAML that reads back as the same: "relu", "{dropout: {rate: 0.3}}".
std::string option_text(const LayerSpec& spec);

/// The `model` section of an experiment.
struct ModelSpec {
  std::optional<int> frames;
  Normalisation normalisation = Normalisation::global;
  bool masked = false;
  std::vector<LayerSpec> layers;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("frames", self.frames, Range{1, 1000000},
          "frames a sequence is cropped or padded to; null: as many as 95% of the training clips "
          "do not exceed (vectors have none)");
    visit("normalisation", self.normalisation, Range{},
          "whose mean and standard deviation features are standardised by: global: the training "
          "part's frames; clip: the clip's own frames (not for vectors, of which a clip has one); "
          "speaker: all frames of the clip's speaker in the corpus, whatever their part, labels "
          "unused; of copies with a fixed speed or pitch_shift all that the recipe made of the "
          "speaker's clips, as if another spoke. speaker is transductive: the protocol's name gets "
          "+speaker-norm, and predict must be told who speaks (--speaker)");
    visit(
        "masked", self.masked, Range{},
        "frames that pad a sequence count nowhere: not in means, largest values, statistics, "
        "attention or gradients, so that `frames` beyond a sequence's own change no result, but "
        "in training the places of spec_augment's time masks, drawn over all (vectors have none)");
    visit(
        "layers", self.layers, Range{},
        "the network up to its last vector; dense to the classes and softmax follow by themselves");
  }
};

}  // namespace serenade
