#include "pipeline/experiment/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/experiment/ensemble_file.h"
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

void divide(Array<float>& sums, std::size_t count) {
  for (float& p : sums.span()) p /= static_cast<float>(count);
}

}  // namespace

Ensemble::Ensemble(const fs::path& run) {
  const RunFolder folder(run);
  if (!fs::is_directory(run) || !is_ensemble(folder)) {
    add_run(run, model_files(run));
    return;
  }
  const EnsembleFile file = read_ensemble(folder);
  const std::vector<RunFolder> runs = runs_of(folder, file);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::vector<fs::path> files;
    files.reserve(file.runs[i].models.size());
    for (const auto& model : file.runs[i].models) files.push_back(runs[i].file(model.file));
    add_run(runs[i].path(), files);
  }
}

void Ensemble::add_run(const fs::path& run, const std::vector<fs::path>& files) {
  Run added;
  for (const fs::path& path : files) {
    ModelFile file = load_model(path);
    Network network = file.network();
    added.models.push_back({std::move(file), std::move(network)});
    const ModelFile& first = added.models.front().file;
    const ModelFile& last = added.models.back().file;
    if (first.description.labels != last.description.labels ||
        first.description.feature_key != last.description.feature_key ||
        first.input.normalisation() != last.input.normalisation()) {
      throw DataError(fmt::format("{}: its labels or features are not those of the other networks",
                                  path.string()));
    }
  }
  const ModelFile& model = added.models.front().file;
  const ModelDescription& description = model.description;
  if (fs::is_directory(run)) expect_networks(RunFolder(run), configuration_of(description, run));
  if (!kinds_.empty() && description.labels != labels()) {
    throw DataError(fmt::format("{}: its labels are not those of {}", run.string(),
                                kinds_.front().run.string()));
  }
  const auto kind = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& known) {
    return known.description.feature_key == description.feature_key;
  });
  added.kind = static_cast<std::size_t>(kind - kinds_.begin());
  if (kind == kinds_.end()) kinds_.push_back({description, run});
  if (model.input.normalisation() == Normalisation::speaker) kinds_[added.kind].by_speaker = true;
  runs_.push_back(std::move(added));
}

std::size_t Ensemble::size() const {
  std::size_t networks = 0;
  for (const Run& run : runs_) networks += run.models.size();
  return networks;
}

bool Ensemble::by_speaker() const {
  return std::ranges::any_of(kinds_, [](const Kind& kind) { return kind.by_speaker; });
}

Array<float> Ensemble::predict(Context& context, std::span<const ClipFeatures> clips) {
  if (clips.size() != kinds_.size()) {
    throw ShapeError(fmt::format("{} kinds of features are given to an ensemble of {}",
                                 clips.size(), kinds_.size()));
  }
  const Shape shape{static_cast<Index>(clips.front().rows.size()),
                    static_cast<Index>(labels().size())};
  Array<float> mean(shape);
  mean.fill(0);
  if (clips.front().rows.empty()) return mean;
  for (Run& run : runs_) {
    const ClipFeatures& heard = clips[run.kind];
    Array<float> of_run(shape);
    of_run.fill(0);
    for (Model& model : run.models) {
      // Once, and not for every block of clips.
      if (model.network.device() == Device::cpu && context.device() != Device::cpu) {
        model.network = model.network.on(context);
      }
      const Prediction one =
          serenade::predict(context, model.network, model.file.input, heard.rows, heard.speakers);
      for (Index i = 0; i < of_run.size(); ++i) of_run[i] += one.probabilities[i];
    }
    divide(of_run, run.models.size());
    if (runs_.size() == 1) return of_run;
    for (Index i = 0; i < mean.size(); ++i) mean[i] += of_run[i];
  }
  divide(mean, runs_.size());
  return mean;
}

}  // namespace serenade
