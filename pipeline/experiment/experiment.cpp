#include "pipeline/experiment/experiment.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/experiment/ensemble_file.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/resume.h"
#include "pipeline/experiment/run_config.h"
#include "pipeline/experiment/run_ensemble.h"
#include "pipeline/experiment/scoring.h"
#include "pipeline/experiment/training_run.h"
#include "pipeline/experiment/whole_run.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

/// What becomes of what a run's folder holds, once all that can be wrong with what is to come is
/// known to be right.
enum class Before {
  kept,
  reopened,  ///< a run that is resumed for more epochs: its results go
  replaced   ///< the work of another run: all of it goes
};

/// What is to be done in a run's folder.
struct Beginning {
  RunFolder::State state;  ///< how far the run has come with this configuration
  Before before = Before::kept;
};

/// "3 epochs of training".
std::string epochs_text(std::size_t epochs) {
  return fmt::format("{} epoch{} of training", epochs, epochs == 1 ? "" : "s");
}

/// Makes the folder that of a new run.
void begin_anew(const RunFolder& folder, const ExperimentConfig& config) {
  folder.clear();
  write_file_atomically(folder.file(run_file::config), resolved_yaml(config));
}

/// Looks at what is in the folder. Changes nothing of a run that has done any work.
Beginning begin_run(const RunFolder& folder, const ExperimentConfig& config,
                    const Workplace& workplace) {
  using State = RunFolder::State;
  if (workplace.resume) {
    const auto [state, reopens] = resume_run(folder, config, workplace.observer);
    return {state, reopens ? Before::reopened : Before::kept};
  }
  const State state = folder.state();
  const bool same = is_of(folder, config);
  if (same && !workplace.force) {
    folder.remove_leftovers();
    return {state};
  }
  if (state >= State::trained && !workplace.force) {
    throw DataError(
        fmt::format("{}: holds a {} run of another configuration; give this "
                    "one another name (name=...) or overwrite it with --force",
                    folder.path().string(), state == State::finished ? "finished" : "trained"));
  }
  if (state == State::unfinished && !same) {
    const std::size_t epochs = folder.epochs_done();
    workplace.observer.note(fmt::format(
        "{}: held an unfinished run of another configuration, which is dropped{}",
        folder.path().string(), epochs > 0 ? fmt::format(" with {}", epochs_text(epochs)) : ""));
  }
  if (state >= State::trained || folder.has_checkpoint()) {
    return {State::unfinished, Before::replaced};
  }
  begin_anew(folder, config);
  return {State::unfinished};
}

/// Corpus, features and split of a run that is to be trained. What is in the folder before is
/// cleared away once all that can be wrong with them, and with the network, is known to be right.
Prepared prepare_run(const RunFolder& folder, const ExperimentConfig& config,
                     const Workplace& workplace, MissingFeatures missing, Before before) {
  if (before != Before::replaced) workplace.on_run_folder(folder);
  Prepared prepared = prepare(config, workplace, missing);
  if (before == Before::reopened) {
    if (folder.state() >= RunFolder::State::trained) expect_resumable(config, prepared, folder);
    folder.reopen();
    write_file_atomically(folder.file(run_file::config), resolved_yaml(config));
  }
  if (before == Before::replaced) {
    expect_trainable(config, prepared);
    begin_anew(folder, config);
    workplace.on_run_folder(folder);
  }
  return prepared;
}

/// Says of a run that is finished, or trained, where something it is made of is no longer there.
void warn_of_losses(const RunFolder& folder, const ExperimentConfig& config,
                    const Workplace& workplace) {
  const std::string run = folder.path().string();
  if (const auto missing = missing_models(folder, config); !missing.empty()) {
    workplace.observer.warn(fmt::format(
        "{}: {} of its models {} gone, the first {}; without them it cannot predict, and --force "
        "trains them again",
        run, missing.size(), missing.size() == 1 ? "is" : "are", missing.front().string()));
  }
  const auto change = change_of_corpus(folder, config, workplace.cache, workplace.context);
  if (change.empty()) return;
  workplace.observer.warn(fmt::format(
      "{}: {}; the results there are those of the corpus as it was, and --force trains anew", run,
      change));
}

/// Scores a trained run, whose lock the caller holds where results are to be written.
ReportData evaluate_run(const ExperimentConfig& config, const RunFolder& folder,
                        const Workplace& workplace) {
  expect_networks(folder, config);
  const Prepared prepared = prepare_as_trained(config, folder, workplace);
  const TrainedRun trained = load_trained_run(config, prepared, folder);
  ScoredRun scored = score_run(config, workplace, prepared, folder, trained);
  if (folder.state() != RunFolder::State::finished)
    write_scores(config, workplace.context, prepared, folder, scored);
  return std::move(scored.report);
}

}  // namespace

ExtractionReport extract(const ExperimentConfig& config, const Workplace& workplace) {
  if (config.augmentation.copies.empty()) {
    return load_features(config, workplace, MissingFeatures::compute).extraction;
  }
  return prepare(config, workplace, MissingFeatures::compute).extraction;
}

RunResult run(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  const auto [state, before] = begin_run(folder, config, workplace);
  if (state == RunFolder::State::finished) {
    warn_of_losses(folder, config, workplace);
    return {folder, true, std::nullopt};
  }
  if (state == RunFolder::State::trained) {
    workplace.on_run_folder(folder);
    return {folder, false, evaluate_run(config, folder, workplace)};
  }
  const Prepared prepared =
      prepare_run(folder, config, workplace, MissingFeatures::compute, before);
  const TrainedRun trained = train_run(config, workplace, prepared, folder);
  ScoredRun scored = score_run(config, workplace, prepared, folder, trained);
  write_scores(config, workplace.context, prepared, folder, scored);
  return {folder, false, std::move(scored.report)};
}

RunResult train(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  const auto [state, before] = begin_run(folder, config, workplace);
  if (state >= RunFolder::State::trained) {
    warn_of_losses(folder, config, workplace);
    return {folder, true, std::nullopt};
  }
  const Prepared prepared = prepare_run(folder, config, workplace, MissingFeatures::refuse, before);
  train_run(config, workplace, prepared, folder);
  return {folder, false, std::nullopt};
}

ReportData evaluate(const RunFolder& folder, const Workplace& workplace) {
  if (is_ensemble(folder)) return evaluate_ensemble(folder, workplace);
  const ExperimentConfig config = config_of(folder);
  std::optional<RunLock> lock;
  if (folder.state() != RunFolder::State::finished) lock.emplace(folder);  // it will be written to
  return evaluate_run(config, folder, workplace);
}

}  // namespace serenade
