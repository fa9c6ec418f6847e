#include "pipeline/experiment/experiment.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/resume.h"
#include "pipeline/experiment/scoring.h"
#include "pipeline/experiment/training_run.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

/// How far the run in this folder has come with this configuration: what is to be done is the rest.
/// Clears the folder of a run that may be overwritten.
RunFolder::State begin_run(const RunFolder& folder, const ExperimentConfig& config,
                           const Workplace& workplace) {
  using State = RunFolder::State;
  if (workplace.resume) return resume_run(folder, config, workplace.observer);
  const std::string yaml = resolved_yaml(config);
  const State state = folder.state();
  const auto path = folder.file(run_file::config);
  const bool same =
      std::filesystem::exists(path) && read_file(path, run_file::max_text_bytes) == yaml;
  if (same && !workplace.force) {
    folder.remove_leftovers();
    return state;
  }
  if (state >= State::trained && !workplace.force) {
    throw DataError(
        fmt::format("{}: holds a {} run of another configuration; give this "
                    "one another name (name=...) or overwrite it with --force",
                    folder.path().string(), state == State::finished ? "finished" : "trained"));
  }
  if (state == State::unfinished && !same) {
    workplace.observer.note(
        fmt::format("{}: held an unfinished run of another configuration, which is dropped",
                    folder.path().string()));
  }
  folder.clear();
  write_file_atomically(path, yaml);
  return State::unfinished;
}

/// Scores a trained run, whose lock the caller holds where results are to be written.
ReportData evaluate_run(const ExperimentConfig& config, const RunFolder& folder,
                        const Workplace& workplace) {
  const Prepared prepared = prepare(config, workplace, MissingFeatures::compute);
  const auto split_path = folder.file(run_file::split);
  if (read_file(split_path, run_file::max_text_bytes) !=
      split_csv(prepared.corpus, prepared.split)) {
    throw DataError(fmt::format(
        "{}: the corpus at {} no longer gives this split: clips were added, "
        "removed or changed since the run was trained; `serenade run --force` trains it anew",
        split_path.string(), config.corpus.path));
  }
  const TrainedRun trained = load_trained_run(config, prepared, folder);
  ScoredRun scored = score_run(config, workplace, prepared, folder, trained);
  if (folder.state() != RunFolder::State::finished)
    write_scores(config, workplace.context, prepared, folder, scored);
  return std::move(scored.report);
}

}  // namespace

ExtractionReport extract(const ExperimentConfig& config, const Workplace& workplace) {
  return load_features(config, workplace, MissingFeatures::compute).extraction;
}

RunResult run(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  const auto state = begin_run(folder, config, workplace);
  if (state == RunFolder::State::finished) return {folder, true, std::nullopt};
  workplace.on_run_folder(folder);
  if (state == RunFolder::State::trained) {
    return {folder, false, evaluate_run(config, folder, workplace)};
  }
  const Prepared prepared = prepare(config, workplace, MissingFeatures::compute);
  const TrainedRun trained = train_run(config, workplace, prepared, folder);
  ScoredRun scored = score_run(config, workplace, prepared, folder, trained);
  write_scores(config, workplace.context, prepared, folder, scored);
  return {folder, false, std::move(scored.report)};
}

RunResult train(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  if (begin_run(folder, config, workplace) >= RunFolder::State::trained) {
    return {folder, true, std::nullopt};
  }
  workplace.on_run_folder(folder);
  const Prepared prepared = prepare(config, workplace, MissingFeatures::refuse);
  train_run(config, workplace, prepared, folder);
  return {folder, false, std::nullopt};
}

ReportData evaluate(const RunFolder& folder, const Workplace& workplace) {
  const auto path = folder.file(run_file::config);
  if (!std::filesystem::exists(path)) {
    throw DataError(
        fmt::format("{}: holds no {}; a fold is evaluated with its run, by the run's folder",
                    folder.path().string(), run_file::config));
  }
  const ExperimentConfig config =
      parse_experiment(read_file(path, run_file::max_text_bytes), path.string());
  std::optional<RunLock> lock;
  if (folder.state() != RunFolder::State::finished) lock.emplace(folder);  // it will be written to
  return evaluate_run(config, folder, workplace);
}

}  // namespace serenade
