#include "pipeline/experiment/training_run.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "pipeline/experiment/environment.h"
#include "pipeline/support/files.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/scaler.h"
#include "pipeline/training/trainer.h"

namespace serenade {
namespace {

using Clock = std::chrono::steady_clock;

std::string environment_json(const Context& context, double training_seconds) {
  nlohmann::ordered_json json;
  for (const auto& [what, value] : environment(context)) json[what] = value;
  json["training_seconds"] = training_seconds;
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

TrainedRun train_folds(const ExperimentConfig& config, const Workplace& workplace,
                       const Prepared& prepared, const RunFolder& run) {
  const auto begin = Clock::now();
  const FeatureSource features = [&](std::size_t row) { return prepared.rows(row); };
  const DataSet data(prepared.corpus, features, max_copied_bytes(config.training.cache_in_memory));
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

  TrainedRun trained;
  for (std::size_t i = 0; i < members.size(); ++i) {
    // Also where nothing was left to train: the run may have been killed between two files.
    write_file_atomically(folders[i].file(run_file::epochs), history_csv(members[i].history()));
    save_model(folders[i].file(run_file::best_model), members[i].model_file(description));
    trained.folds.push_back(trained_fold(members[i], members[i].network()));
  }
  trained.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  write_file_atomically(run.file(run_file::environment),
                        environment_json(workplace.context, trained.seconds));
  return trained;
}

}  // namespace

TrainedRun train_run(const ExperimentConfig& config, const Workplace& workplace,
                     const Prepared& prepared, const RunFolder& run) {
  const std::string split = split_csv(prepared.corpus, prepared.split);
  const auto path = run.file(run_file::split);
  if (std::filesystem::exists(path) && read_file(path, run_file::max_text_bytes) != split) {
    workplace.observer.warn(
        fmt::format("{}: the corpus has changed since this run was interrupted; it begins anew",
                    run.path().string()));
    for (std::size_t k = 0; k < prepared.split.folds.size(); ++k) {
      const auto fold = run.fold(prepared.split.folds[k].name(), prepared.split.folds.size());
      std::filesystem::remove(fold.file(run_file::last_model));
    }
  }
  write_file_atomically(path, split);
  return train_folds(config, workplace, prepared, run);
}

TrainedRun load_trained_run(const ExperimentConfig& config, const Prepared& prepared,
                            const RunFolder& run) {
  TrainedRun trained;
  for (std::size_t k = 0; k < prepared.split.folds.size(); ++k) {
    const Fold& fold = prepared.split.folds[k];
    const RunFolder fold_folder = run.fold(fold.name(), prepared.split.folds.size());
    const ModelFile last = load_model(fold_folder.file(run_file::last_model));
    Network network(config.model, last.input.shape(),
                    static_cast<Index>(prepared.corpus.labels.size()), config.seed);
    Member member(fold.name(), std::move(network), last.input, fold.training(), fold.validation(),
                  config.training);
    member.restore(last);
    trained.folds.push_back(trained_fold(member, member.network()));
  }
  return trained;
}

}  // namespace serenade
