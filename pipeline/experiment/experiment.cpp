#include "pipeline/experiment/experiment.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"
#include "pipeline/support/files.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/prediction.h"
#include "pipeline/training/scaler.h"
#include "pipeline/training/trainer.h"

namespace serenade {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

constexpr std::size_t max_text_bytes = std::size_t{1} << 26U;

/// Everything between the features and the scores.
struct Training {
  std::vector<TrainedFold> folds;
  double seconds = 0;
};

std::string environment_json(const Context& context, const Training& training) {
  nlohmann::ordered_json json;
  for (const auto& [what, value] : environment(context)) json[what] = value;
  json["training_seconds"] = training.seconds;
  return json.dump(2) + "\n";
}

/// What a fold's network sees: the scaler is fitted on its training rows alone.
NetworkInput make_input(const ExperimentConfig& config, const Fold& fold, const DataSet& data) {
  StandardScaler scaler = fit_scaler(data, fold.training());
  if (!config.features.statistics.empty()) {
    return {InputLayout::statistics, std::move(scaler), 1};
  }
  const Index frames =
      config.model.frames ? *config.model.frames : choose_frames(data, fold.training());
  return {InputLayout::frames, std::move(scaler), frames};
}

TrainedFold trained_fold(const Member& member, const Network& network) {
  return {member.history(), member.kept_epoch(), network.layers(), to_string(network.input())};
}

/// Takes a member up where an interrupted run of the same configuration left it.
void resume(Member& member, const RunFolder& folder, Observer& observer) {
  const auto last = folder.file(run_file::last_model);
  if (!std::filesystem::exists(last)) return;
  try {
    member.restore(load_model(last));
    observer.note(
        fmt::format("{}: resumed after epoch {}", last.string(), member.history().size()));
  } catch (const Error& error) {
    observer.warn(fmt::format("cannot resume, beginning anew: {}", error.what()));
  }
}

Training train_folds(const ExperimentConfig& config, const Workplace& workplace,
                     const Prepared& prepared, const RunFolder& run) {
  const auto begin = Clock::now();
  const FeatureSource features = [&](std::size_t row) { return prepared.rows(row); };
  const DataSet data(prepared.corpus, features);
  const ModelDescription description{resolved_yaml(config), cache_text(config.features),
                                     prepared.features.key_text(), prepared.corpus.labels};
  const std::vector<Fold>& folds = prepared.split.folds;

  std::vector<Member> members;
  std::vector<RunFolder> folders;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    NetworkInput input = make_input(config, folds[i], data);
    Network network(config.model, input.shape(), data.classes(), config.seed);
    if (i == 0) {
      workplace.observer.note(fmt::format("network: input {}, {} parameters",
                                          to_string(network.input()), network.parameter_count()));
    }
    folders.push_back(run.fold(folds[i].name(), folds.size()));
    folders.back().make();
    members.emplace_back(folds[i].name(), std::move(network), std::move(input), folds[i].training(),
                         folds[i].validation(), config.training);
    resume(members.back(), folders.back(), workplace.observer);
  }

  const auto index_of = [&](const Member& member) {
    return static_cast<std::size_t>(&member - members.data());
  };
  TrainerHooks hooks;
  hooks.on_epoch = [&](const Member& member, const EpochRecord&) {
    const RunFolder& folder = folders[index_of(member)];
    save_model(folder.file(run_file::last_model), member.checkpoint(description));
    write_file_atomically(folder.file(run_file::epochs), history_csv(member.history()));
  };
  Trainer trainer(workplace.context, data, workplace.observer);
  trainer.train(members, hooks);

  Training training;
  for (std::size_t i = 0; i < members.size(); ++i) {
    // Also where nothing was left to train: the run may have been killed between two files.
    write_file_atomically(folders[i].file(run_file::epochs), history_csv(members[i].history()));
    save_model(folders[i].file(run_file::best_model), members[i].model_file(description));
    training.folds.push_back(trained_fold(members[i], members[i].network()));
  }
  training.seconds = seconds_since(begin);
  write_file_atomically(run.file(run_file::environment),
                        environment_json(workplace.context, training));
  return training;
}

/// Scores every fold's saved model on the fold's test part.
std::vector<ClipPrediction> predict_test_parts(const Workplace& workplace, const Prepared& prepared,
                                               const RunFolder& run) {
  const Corpus& corpus = prepared.corpus;
  const std::vector<Fold>& folds = prepared.split.folds;
  std::vector<ClipPrediction> all;
  for (std::size_t k = 0; k < folds.size(); ++k) {
    const auto path = run.fold(folds[k].name(), folds.size()).file(run_file::best_model);
    const ModelFile model = load_model(path);
    if (model.description.labels != corpus.labels ||
        model.description.feature_key != prepared.features.key_text()) {
      throw DataError(fmt::format("{}: made for other labels or features than this corpus gives",
                                  path.string()));
    }
    Network network = model.network();
    std::vector<Tensor<const float>> features;
    for (const std::size_t row : folds[k].test()) features.push_back(prepared.rows(row));
    const Prediction prediction = predict(workplace.context, network, model.input, features);
    for (std::size_t i = 0; i < features.size(); ++i) {
      const Utterance& utterance = corpus.utterances[folds[k].test()[i]];
      const auto row = prediction.probabilities.view().row(static_cast<Index>(i)).span();
      all.push_back({.id = utterance.id,
                     .path = utterance.path.string(),
                     .speaker = utterance.speaker,
                     .label = utterance.label,
                     .predicted = corpus.labels[static_cast<std::size_t>(most_likely(row))],
                     .probabilities = {row.begin(), row.end()},
                     .fold = fold_label(prepared.split, folds[k])});
    }
  }
  return all;
}

/// The results of one fold in its own folder.
void write_fold_results(const RunFolder& run, const ReportData& report,
                        const std::vector<ClipPrediction>& predictions) {
  const std::size_t folds = report.evaluation.folds.size();
  for (std::size_t k = 0; folds > 1 && k < folds; ++k) {
    std::vector<ClipPrediction> own;
    for (const ClipPrediction& clip : predictions) {
      if (clip.fold == report.evaluation.folds[k].name) own.push_back(clip);
    }
    ReportData part = report;
    part.evaluation = evaluate_predictions(report.evaluation.labels, own);
    const RunFolder folder = run.fold(report.evaluation.folds[k].name, folds);
    write_file_atomically(folder.file(run_file::predictions),
                          predictions_csv(report.evaluation.labels, own));
    write_file_atomically(folder.file(run_file::metrics), metrics_json(part));
  }
}

ReportData score(const ExperimentConfig& config, const Workplace& workplace,
                 const Prepared& prepared, const RunFolder& run, const Training& training,
                 std::vector<ClipPrediction>& predictions) {
  const auto begin = Clock::now();
  ReportData report = begin_report(config, workplace, prepared, training.folds);
  predictions = predict_test_parts(workplace, prepared, run);
  report.evaluation = evaluate_predictions(prepared.corpus.labels, predictions);
  const ExtractionReport& extraction = prepared.extraction;
  report.timings.push_back({"features", extraction.seconds,
                            fmt::format("{} clips computed, {} from the cache",
                                        extraction.extracted, extraction.from_cache)});
  if (training.seconds > 0) {
    report.timings.push_back(
        {"training", training.seconds,
         fmt::format("{} fold{}", training.folds.size(), training.folds.size() == 1 ? "" : "s")});
  }
  report.timings.push_back(
      {"scoring", seconds_since(begin), fmt::format("{} test clips", predictions.size())});
  return report;
}

/// How far the run in this folder has come with this configuration: what is to be done is the rest.
/// Clears the folder of a run that may be overwritten.
RunFolder::State begin_run(const RunFolder& folder, const std::string& yaml,
                           const Workplace& workplace) {
  using State = RunFolder::State;
  const State state = folder.state();
  const auto path = folder.file(run_file::config);
  const bool same = std::filesystem::exists(path) && read_file(path, max_text_bytes) == yaml;
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

/// Training up to the saved models; nothing in `result.report`.
Training train_run(const ExperimentConfig& config, const Workplace& workplace,
                   const Prepared& prepared, const RunFolder& folder) {
  const std::string split = split_csv(prepared.corpus, prepared.split);
  const auto path = folder.file(run_file::split);
  if (std::filesystem::exists(path) && read_file(path, max_text_bytes) != split) {
    workplace.observer.warn(
        fmt::format("{}: the corpus has changed since this run was interrupted; it begins anew",
                    folder.path().string()));
    for (std::size_t k = 0; k < prepared.split.folds.size(); ++k) {
      const auto fold = folder.fold(prepared.split.folds[k].name(), prepared.split.folds.size());
      std::filesystem::remove(fold.file(run_file::last_model));
    }
  }
  write_file_atomically(path, split);
  return train_folds(config, workplace, prepared, folder);
}

/// Scores a trained run, whose lock the caller holds where results are to be written.
ReportData evaluate_run(const ExperimentConfig& config, const RunFolder& folder,
                        const Workplace& workplace) {
  const Prepared prepared = prepare(config, workplace, MissingFeatures::compute);
  const auto split_path = folder.file(run_file::split);
  if (read_file(split_path, max_text_bytes) != split_csv(prepared.corpus, prepared.split)) {
    throw DataError(fmt::format(
        "{}: the corpus at {} no longer gives this split: clips were added, "
        "removed or changed since the run was trained; `serenade run --force` trains it anew",
        split_path.string(), config.corpus.path));
  }
  // The curves and layers of the folds come from their last checkpoints.
  Training training;
  for (std::size_t k = 0; k < prepared.split.folds.size(); ++k) {
    const Fold& fold = prepared.split.folds[k];
    const RunFolder fold_folder =
        folder.fold(prepared.split.folds[k].name(), prepared.split.folds.size());
    const ModelFile last = load_model(fold_folder.file(run_file::last_model));
    Network network(config.model, last.input.shape(),
                    static_cast<Index>(prepared.corpus.labels.size()), config.seed);
    Member member(fold.name(), std::move(network), last.input, fold.training(), fold.validation(),
                  config.training);
    member.restore(last);
    training.folds.push_back(trained_fold(member, member.network()));
  }
  std::vector<ClipPrediction> predictions;
  ReportData report = score(config, workplace, prepared, folder, training, predictions);
  if (folder.state() != RunFolder::State::finished) {
    write_fold_results(folder, report, predictions);
    write_results(folder, report, predictions);
  }
  return report;
}

}  // namespace

ExtractionReport extract(const ExperimentConfig& config, const Workplace& workplace) {
  return load_features(config, workplace, MissingFeatures::compute).extraction;
}

RunResult run(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  const auto state = begin_run(folder, resolved_yaml(config), workplace);
  if (state == RunFolder::State::finished) return {folder, true, std::nullopt};
  workplace.on_run_folder(folder);
  if (state == RunFolder::State::trained) {
    return {folder, false, evaluate_run(config, folder, workplace)};
  }
  const Prepared prepared = prepare(config, workplace, MissingFeatures::compute);
  const Training training = train_run(config, workplace, prepared, folder);
  std::vector<ClipPrediction> predictions;
  ReportData report = score(config, workplace, prepared, folder, training, predictions);
  write_fold_results(folder, report, predictions);
  write_results(folder, report, predictions);
  return {folder, false, std::move(report)};
}

RunResult train(const ExperimentConfig& config, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / config.name);
  folder.make();
  const RunLock lock(folder);
  if (begin_run(folder, resolved_yaml(config), workplace) >= RunFolder::State::trained) {
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
  const ExperimentConfig config = parse_experiment(read_file(path, max_text_bytes), path.string());
  std::optional<RunLock> lock;
  if (folder.state() != RunFolder::State::finished) lock.emplace(folder);  // it will be written to
  return evaluate_run(config, folder, workplace);
}

}  // namespace serenade
