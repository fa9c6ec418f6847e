#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/model/model_file.h"

namespace serenade {

/// Some clips as networks take them: their features of one kind.
struct ClipFeatures {
  std::vector<Tensor<const float>> rows;        ///< [frames, dims] each
  std::vector<const StandardScaler*> speakers;  ///< see predict() of one network; may be empty
};

/// The networks of a run, folds and seeds, whose probabilities are averaged; or those of an
/// ensemble of runs, whose averages are averaged. Needs the model files and nothing else, of an
/// ensemble ensemble.json.
class Ensemble {
 public:
  /// Features that networks of it hear. Those of a run hear the same.
  struct Kind {
    ModelDescription description;  ///< of the first network that hears them
    std::filesystem::path run;
    bool by_speaker = false;  ///< clips must come with their speakers' scalers
  };

  /// `run` is a run folder, an ensemble's, the folder of some networks of a run, or a model file.
  /// Throws DataError where there is no model, where networks are missing (expect_networks), where
  /// they are not those that an ensemble was made of, or where they do not fit together.
  explicit Ensemble(const std::filesystem::path& run);

  const std::vector<std::string>& labels() const { return kinds_.front().description.labels; }
  std::size_t size() const;  ///< networks
  std::size_t runs() const { return runs_.size(); }
  /// One of a run; of an ensemble as many as its runs have different features.
  const std::vector<Kind>& kinds() const { return kinds_; }
  bool by_speaker() const;

  /// Mean probabilities [clips, classes], in float32 in the order of the networks. A clip's bits do
  /// not depend on the other clips. clips: the same ones in every kind of features.
  Array<float> predict(Context& context, std::span<const ClipFeatures> clips);

 private:
  struct Model {
    ModelFile file;
    Network network;
  };
  struct Run {
    std::vector<Model> models;
    std::size_t kind = 0;  // its place in kinds_
  };
  void add_run(const std::filesystem::path& run, const std::vector<std::filesystem::path>& files);

  std::vector<Run> runs_;
  std::vector<Kind> kinds_;
};

}  // namespace serenade
