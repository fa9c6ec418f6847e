#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/model/model_file.h"

namespace serenade {

/// The networks of a run, folds and seeds, whose probabilities are averaged. Needs the model files
/// and nothing else.
class Ensemble {
 public:
  /// `run` is a run folder, the folder of some of its networks, or a model file.
  /// Throws DataError where there is no model, where networks are missing (expect_networks), or
  /// where they do not fit together.
  explicit Ensemble(const std::filesystem::path& run);

  const ModelDescription& description() const { return models_.front().file.description; }
  std::size_t size() const { return models_.size(); }

  /// Whether clips must come with their speakers' scalers.
  bool by_speaker() const {
    return models_.front().file.input.normalisation() == Normalisation::speaker;
  }

  /// Mean probabilities [clips, classes], in float32 in the order of the networks. A clip's bits do
  /// not depend on the other clips. speakers: see predict() of one network.
  Array<float> predict(Context& context, std::span<const Tensor<const float>> features,
                       std::span<const StandardScaler* const> speakers = {});

 private:
  struct Model {
    ModelFile file;
    Network network;
  };
  std::vector<Model> models_;
};

}  // namespace serenade
