#include "pipeline/experiment/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "pipeline/experiment/environment.h"
#include "pipeline/experiment/run_members.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/files.h"
#include "pipeline/support/parse_number.h"
#include "pipeline/support/stopwatch.h"
#include "pipeline/training/dataset.h"
#include "pipeline/training/scaler.h"
#include "pipeline/training/trainer.h"

namespace serenade {
namespace {

std::string environment_json(const Workplace& workplace, const Prepared& prepared,
                             double training_seconds) {
  nlohmann::ordered_json json;
  for (const auto& [what, value] : environment(workplace.context, workplace.features)) {
    json[what] = value;
  }
  const std::vector<std::string> convolutions = convolution_plans(workplace.context);
  if (!convolutions.empty()) json["convolutions"] = convolutions;
  if (prepared.copies.size() > 0) json["training_copies"] = prepared.copies.size();
  json["training_seconds"] = training_seconds;
  return json.dump(2) + "\n";
}

/// What a fold's network sees: the scaler and the length are fitted on what it is trained on alone,
/// copies included; the scaler is none where clips have their own.
NetworkInput make_input(const ExperimentConfig& config, const TrainingRows& rows,
                        const DataSet& data) {
  const auto dims = static_cast<std::size_t>(data.dims());
  const Normalisation normalisation = config.model.normalisation;
  StandardScaler scaler =
      normalisation == Normalisation::global
          ? fit_scaler(data, rows)
          : StandardScaler{std::vector<double>(dims, 0.0), std::vector<double>(dims, 1.0)};
  if (!config.features.statistics.empty()) {
    return {InputLayout::statistics, std::move(scaler), 1, Windows::average, normalisation};
  }
  const Index frames = config.model.frames ? *config.model.frames : choose_frames(data, rows);
  return {InputLayout::frames, std::move(scaler), frames, config.evaluation.windows, normalisation};
}

TrainedNetwork trained_network(const RunMember& site, const Member& member,
                               const Network& network) {
  return {site.fold,           site.seed,        member.history(),
          member.kept_epoch(), network.layers(), to_string(network.input())};
}

/// Seconds of the clock that sessions before spent on a run, in the checkpoints of its networks:
/// the last one written knows best.
constexpr const char* run_seconds = "training.run_seconds";

double seconds_before(const ModelFile& checkpoint, const Member& member) {
  double seconds = 0;
  const auto found = checkpoint.training.metadata.find(run_seconds);
  if (found == checkpoint.training.metadata.end()) {  // written before this was kept
    for (const EpochRecord& record : member.history()) seconds += record.seconds;
    return seconds;
  }
  seconds = parse_number<double>(found->second).value_or(0);
  return std::isfinite(seconds) ? std::max(seconds, 0.0) : 0;
}

/// What the copies that a run learns from are keyed by: a hash of their keys in the cache.
constexpr const char* copies_key = "training.copies";

std::string copies_key_of(const Prepared& prepared) {
  std::string keys;
  for (const FeatureCache& copies : prepared.copy_features) keys += copies.key_text() + '\n';
  return keys.empty() ? "" : to_string(hash_bytes(std::as_bytes(std::span(keys))));
}

/// Throws DataError where a checkpoint was trained on features of other versions or devices. A
/// scaler that was fitted on them would tell, but not all normalisations fit one.
void expect_same_features(const ModelFile& checkpoint, const Prepared& prepared,
                          const std::filesystem::path& path) {
  const auto copies = checkpoint.training.metadata.find(copies_key);
  const bool same_copies = copies == checkpoint.training.metadata.end() ||  // of a version before
                           copies->second == copies_key_of(prepared);
  if (checkpoint.description.feature_key == prepared.features.key_text() && same_copies) return;
  throw DataError(
      fmt::format("{}: its epochs learned from features that were computed otherwise, by another "
                  "version of the program or of a library, or on another device",
                  path.string()));
}

/// Takes a member up where an interrupted run of the same configuration left it; seconds spent on
/// the run by then.
double resume(Member& member, const RunFolder& folder, const Prepared& prepared,
              const Workplace& workplace) {
  const auto last = folder.file(run_file::last_model);
  if (!std::filesystem::exists(last)) return 0;
  try {
    const ModelFile checkpoint = load_model(last);
    expect_same_features(checkpoint, prepared, last);
    member.restore(checkpoint);
    workplace.observer.note(
        fmt::format("{}: resumed after epoch {}", last.string(), member.history().size()));
    return seconds_before(checkpoint, member);
  } catch (const Error& error) {
    if (workplace.resume) {
      throw DataError(
          fmt::format("cannot resume: {}; without --resume it begins anew", error.what()));
    }
    workplace.observer.warn(fmt::format("cannot resume, beginning anew: {}", error.what()));
    return 0;
  }
}

/// A network among those that are trained, and the run that it belongs to.
struct Site : RunMember {
  const RunToTrain* run = nullptr;
};

std::vector<Site> sites_of(const std::vector<RunToTrain>& runs, const Split& split) {
  std::vector<Site> sites;
  for (const RunToTrain& run : runs) {
    for (RunMember& member : run_members(run.config, split, run.folder)) {
      if (runs.size() > 1) member.name = fmt::format("{} {}", run.config.name, member.name);
      sites.push_back({std::move(member), &run});
    }
  }
  return sites;
}

ModelDescription description_of(const ExperimentConfig& config, const Prepared& prepared) {
  return {resolved_yaml(config), cache_text(config.features), prepared.features.key_text(),
          prepared.corpus.labels};
}

/// Networks to train; members[i] is kept in the folder of sites[i].
struct Networks {
  std::vector<Site> sites;
  std::vector<Member> members;
  double seconds_before = 0;  ///< that earlier sessions spent on them
};

/// A member for every fold and seed of the runs, new or where an earlier session left it.
Networks make_networks(const std::vector<RunToTrain>& runs, const Workplace& workplace,
                       const Prepared& prepared, const DataSet& data) {
  const ExperimentConfig& config = runs.front().config;
  Networks networks;
  networks.sites = sites_of(runs, prepared.split);
  // Of several seeds or runs the folds come again: their rows, and so their inputs, are the same.
  std::map<std::size_t, NetworkInput> inputs;
  for (const Site& site : networks.sites) {
    const TrainingRows learned = prepared.learned[site.fold].rows();
    auto input = inputs.find(site.fold);
    if (input == inputs.end()) {
      input = inputs.emplace(site.fold, make_input(config, learned, data)).first;
    }
    Network network(config.model, input->second.shape(), data.classes(), site.seed);
    if (networks.members.empty()) {
      workplace.observer.note(fmt::format("network: input {}, {} parameters",
                                          to_string(network.input()), network.parameter_count()));
    }
    site.folder.make();
    Member& member =
        networks.members.emplace_back(site.name, std::move(network), input->second, learned,
                                      prepared.split.folds[site.fold].validation(),
                                      site.run->config.training, site.run->config.augmentation);
    networks.seconds_before =
        std::max(networks.seconds_before, resume(member, site.folder, prepared, workplace));
  }
  return networks;
}

void write_history(const RunFolder& folder, const Member& member) {
  write_file_atomically(folder.file(run_file::epochs), history_csv(member.history()));
}

std::vector<TrainedRun> train_members(const std::vector<RunToTrain>& runs,
                                      const Workplace& workplace, const Prepared& prepared) {
  const Stopwatch watch;
  const ExperimentConfig& config = runs.front().config;
  const FeatureSource features = [&](std::size_t row) { return prepared.rows(row); };
  const DataSet data(prepared.corpus, features, max_copied_bytes(config.training.cache_in_memory),
                     config.model.normalisation, prepared.copies);
  auto [sites, members, seconds_before] = make_networks(runs, workplace, prepared, data);
  const auto seconds = [&watch, before = seconds_before] { return before + watch.seconds(); };
  // Every epoch of every network is saved with it.
  std::map<const RunToTrain*, ModelDescription> descriptions;
  for (const RunToTrain& run : runs)
    descriptions.emplace(&run, description_of(run.config, prepared));
  const std::string copies = copies_key_of(prepared);

  TrainerHooks hooks;
  // Each member's files are its own, so that calls that overlap do no harm.
  hooks.on_epoch = [&, &sites = sites, &members = members](const Member& member,
                                                           const EpochRecord&) {
    const Site& site = sites[static_cast<std::size_t>(&member - members.data())];
    ModelFile checkpoint = member.checkpoint(descriptions.at(site.run));
    checkpoint.training.metadata[run_seconds] = shortest(seconds());
    if (!copies.empty()) checkpoint.training.metadata[copies_key] = copies;
    save_model(site.folder.file(run_file::last_model), checkpoint);
    write_history(site.folder, member);
  };
  use_backend(workplace.context, config.nn);
  Trainer trainer(workplace.context, data, workplace.observer, workplace.device_memory);
  trainer.train(members, hooks);

  std::vector<TrainedRun> trained(runs.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    // Also where nothing was left to train: the run may have been killed between two files.
    write_history(sites[i].folder, members[i]);
    save_model(sites[i].folder.file(run_file::best_model),
               members[i].model_file(descriptions.at(sites[i].run)));
    trained[static_cast<std::size_t>(sites[i].run - runs.data())].networks.push_back(
        trained_network(sites[i], members[i], members[i].network()));
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    trained[i].seconds = seconds();
    write_file_atomically(runs[i].folder.file(run_file::environment),
                          environment_json(workplace, prepared, trained[i].seconds));
  }
  return trained;
}

/// Seconds that environment.json says a run's training took; 0 where it does not.
double training_seconds(const RunFolder& run) {
  const auto path = run.file(run_file::environment);
  if (!std::filesystem::exists(path)) return 0;
  const auto json =
      nlohmann::json::parse(read_file(path, run_file::max_text_bytes), nullptr, false);
  const bool stated =
      json.is_object() && json.contains("training_seconds") && json["training_seconds"].is_number();
  return stated ? json["training_seconds"].get<double>() : 0;
}

/// Whether the run's split, where it has one yet, is not what the corpus gives now.
bool has_other_split(const RunFolder& run, const std::string& split) {
  const auto path = run.file(run_file::split);
  return std::filesystem::exists(path) && read_file(path, run_file::max_text_bytes) != split;
}

/// Throws DataError where the run has another split.
void expect_same_split(const ExperimentConfig& config, const RunFolder& run,
                       const std::string& split) {
  if (!has_other_split(run, split)) return;
  throw DataError(fmt::format(
      "{}: cannot resume: the corpus at {} no longer gives this split: clips were added, removed "
      "or changed since; without --resume the run begins anew",
      run.file(run_file::split).string(), config.corpus.path));
}

/// Writes a run's split, and drops what was trained on another one.
void begin_training(const ExperimentConfig& config, const Workplace& workplace,
                    const Prepared& prepared, const RunFolder& run) {
  const std::string split = split_csv(prepared.corpus, prepared.split);
  if (workplace.resume) expect_same_split(config, run, split);
  if (has_other_split(run, split)) {
    workplace.observer.warn(
        fmt::format("{}: the corpus has changed since this run was interrupted; it begins anew, "
                    "without the {} epochs that its networks had done",
                    run.path().string(), run.epochs_done()));
    run.drop_training();  // also the networks of folds that there are no more
  }
  write_file_atomically(run.file(run_file::split), split);
}

}  // namespace

void expect_trainable(const ExperimentConfig& config, const Prepared& prepared) {
  const FeatureSource features = [&](std::size_t row) { return prepared.rows(row); };
  const DataSet data(prepared.corpus, features, 0, config.model.normalisation, prepared.copies);
  for (std::size_t k = 0; k < prepared.split.folds.size(); ++k) {
    const Fold& fold = prepared.split.folds[k];
    const TrainingRows learned = prepared.learned[k].rows();
    NetworkInput input = make_input(config, learned, data);
    Network network(config.model, input.shape(), data.classes(), config.seed);
    const Member member(fold.name(), std::move(network), std::move(input), learned,
                        fold.validation(), config.training, config.augmentation);
    class_weights(config.training.class_weights, data, member.training());
  }
}

std::vector<TrainedRun> train_runs(const std::vector<RunToTrain>& runs, const Workplace& workplace,
                                   const Prepared& prepared) {
  for (const RunToTrain& run : runs) begin_training(run.config, workplace, prepared, run.folder);
  return train_members(runs, workplace, prepared);
}

TrainedRun train_run(const ExperimentConfig& config, const Workplace& workplace,
                     const Prepared& prepared, const RunFolder& run) {
  return std::move(train_runs({{config, run}}, workplace, prepared).front());
}

TrainedRun load_trained_run(const ExperimentConfig& config, const Prepared& prepared,
                            const RunFolder& run) {
  TrainedRun trained;
  for (const RunMember& site : run_members(config, prepared.split, run)) {
    const Fold& fold = prepared.split.folds[site.fold];
    const auto path = site.folder.file(run_file::last_model);
    const ModelFile last = load_model(path);
    expect_same_features(last, prepared, path);
    Network network(config.model, last.input.shape(),
                    static_cast<Index>(prepared.corpus.labels.size()), site.seed);
    Member member(site.name, std::move(network), last.input, prepared.learned[site.fold].rows(),
                  fold.validation(), config.training, config.augmentation);
    member.restore(last);
    trained.networks.push_back(trained_network(site, member, member.network()));
  }
  trained.seconds = training_seconds(run);
  return trained;
}

void expect_resumable(const ExperimentConfig& config, const Prepared& prepared,
                      const RunFolder& run) {
  expect_same_split(config, run, split_csv(prepared.corpus, prepared.split));
  try {
    load_trained_run(config, prepared, run);
  } catch (const Error& error) {
    throw DataError(fmt::format(
        "cannot resume: {}; the run stays as it is, and --force in the place of --resume trains it "
        "anew",
        error.what()));
  }
}

}  // namespace serenade
