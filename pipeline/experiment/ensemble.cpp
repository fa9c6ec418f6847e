#include "pipeline/experiment/ensemble.h"

#include <fmt/format.h>

#include <utility>

#include "kernels/device/error.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/experiment/whole_run.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> model_files(const fs::path& run) {
  if (fs::exists(run) && !fs::is_directory(run)) return {run};
  std::vector<fs::path> files;
  for (const RunFolder& member : RunFolder::open(run).trained_members()) {
    files.push_back(member.file(run_file::best_model));
  }
  return files;
}

ExperimentConfig configuration_of(const ModelDescription& description, const fs::path& run) {
  try {
    return parse_experiment(description.configuration, "its configuration");
  } catch (const Error& error) {
    throw DataError(fmt::format("{}: cannot be used by this version of the program: {}",
                                run.string(), error.what()));
  }
}

}  // namespace

Ensemble::Ensemble(const fs::path& run) {
  for (const fs::path& path : model_files(run)) {
    ModelFile file = load_model(path);
    Network network = file.network();
    models_.push_back({std::move(file), std::move(network)});
    const ModelDescription& first = models_.front().file.description;
    const ModelDescription& last = models_.back().file.description;
    const bool alike =
        models_.front().file.input.normalisation() == models_.back().file.input.normalisation();
    if (first.labels != last.labels || first.feature_key != last.feature_key || !alike) {
      throw DataError(fmt::format("{}: its labels or features are not those of the other networks",
                                  path.string()));
    }
  }
  if (fs::is_directory(run)) expect_networks(RunFolder(run), configuration_of(description(), run));
}

Array<float> Ensemble::predict(Context& context, std::span<const Tensor<const float>> features,
                               std::span<const StandardScaler* const> speakers) {
  Array<float> mean(
      {static_cast<Index>(features.size()), static_cast<Index>(description().labels.size())});
  mean.fill(0);
  if (features.empty()) return mean;
  for (Model& model : models_) {
    // Once, and not for every block of clips.
    if (model.network.device() == Device::cpu && context.device() != Device::cpu) {
      model.network = model.network.on(context);
    }
    const Prediction one =
        serenade::predict(context, model.network, model.file.input, features, speakers);
    for (Index i = 0; i < mean.size(); ++i) mean[i] += one.probabilities[i];
  }
  for (float& p : mean.span()) p /= static_cast<float>(models_.size());
  return mean;
}

}  // namespace serenade
