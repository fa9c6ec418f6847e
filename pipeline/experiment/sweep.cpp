#include "pipeline/experiment/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/run_config.h"
#include "pipeline/experiment/training_run.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

/// So many networks, with what their optimizers remember, are in memory at a time.
constexpr std::size_t most_networks_together = 16;

Monitor monitor_of(Judge judge) {
  switch (judge) {
    case Judge::val_uar:
      return Monitor::val_uar;
    case Judge::val_accuracy:
      return Monitor::val_accuracy;
    case Judge::val_loss:
      break;
  }
  return Monitor::val_loss;
}

/// What points that train together have in common: everything but names and training options.
std::string common_part(ExperimentConfig config) {
  TrainingOptions training;
  training.cache_in_memory = config.training.cache_in_memory;
  config.training = training;
  config.name.clear();
  return resolved_yaml(config);
}

/// Whoever judges must be there, and must not be the test part under another name.
void expect_judges(const Prepared& prepared) {
  for (const Fold& fold : prepared.split.folds) {
    if (fold.validation().empty()) {
      throw DataError(fmt::format(
          "{} has no validation part, by which a sweep is judged: set split.validation above 0, or "
          "list validation clips. The test part cannot stand in",
          fold.name()));
    }
    std::set<ContentHash> tested;
    for (const std::size_t i : fold.test()) tested.insert(prepared.corpus.utterances[i].content);
    for (const std::size_t i : fold.validation()) {
      const Utterance& utterance = prepared.corpus.utterances[i];
      if (!tested.contains(utterance.content)) continue;
      throw DataError(
          fmt::format("{}: {} is a validation clip and, byte for byte, a test clip, so that the "
                      "test part would "
                      "judge; corpus.duplicates: together keeps copies on one side",
                      fold.name(), utterance.path.string()));
    }
  }
}

/// Clips that judge in one fold and are tested in another.
std::string note_on_folds(const Prepared& prepared) {
  std::set<std::size_t> judging, tested;
  for (const Fold& fold : prepared.split.folds) {
    judging.insert(fold.validation().begin(), fold.validation().end());
    tested.insert(fold.test().begin(), fold.test().end());
  }
  const auto both = std::count_if(judging.begin(), judging.end(),
                                  [&](std::size_t i) { return tested.contains(i); });
  if (both == 0) return "";
  return fmt::format(
      "{} of the {} clips that judge are test clips of other folds: their test scores will have "
      "seen "
      "the choice. For a choice that no test clip had a part in, sweep on one fold (a listed "
      "split)",
      both, judging.size());
}

class Sweep {
 public:
  Sweep(const SweepPlan& plan, const Workplace& workplace, std::filesystem::path folder)
      : plan_(plan), place_(workplace) {
    result_.folder = std::move(folder);
    result_.judge = plan.options.judge;
    place_.runs = result_.folder;
    place_.resume = false;
    for (const SweepPoint& point : plan.points) {
      result_.rows.emplace_back();
      result_.rows.back().point = point;
    }
  }

  SweepResult run() {
    std::vector<bool> taken(result_.rows.size(), false);
    for (std::size_t first = 0; first < taken.size(); ++first) {
      if (taken[first]) continue;
      const std::string common = common_part(result_.rows[first].point.config);
      std::vector<SweepRow*> group;
      for (std::size_t i = first; i < taken.size(); ++i) {
        if (taken[i] || common_part(result_.rows[i].point.config) != common) continue;
        taken[i] = true;
        group.push_back(&result_.rows[i]);
      }
      train_group(group);
    }
    rank();
    return std::move(result_);
  }

 private:
  using Rows = std::vector<SweepRow*>;

  RunFolder folder_of(const SweepRow& row) const {
    return RunFolder(result_.folder / row.point.name);
  }

  void train_group(const Rows& group) {
    const ExperimentConfig& config = group.front()->point.config;
    const Prepared prepared = prepare(config, place_, MissingFeatures::compute);
    expect_judges(prepared);
    if (const std::string note = note_on_folds(prepared); !note.empty() && result_.notes.empty()) {
      result_.notes.push_back(note);
      place_.observer.note(note);
    }
    Rows waiting;
    for (SweepRow* row : group) {
      folder_of(*row).make();
      const RunLock lock(folder_of(*row));
      if (begin(*row, prepared)) {
        ++result_.trained_before;
        judge(*row, load_trained_point(*row, prepared));
      } else {
        waiting.push_back(row);
      }
    }
    const std::size_t networks =
        prepared.split.folds.size() * std::max<std::size_t>(config.seeds.size(), 1);
    const std::size_t together = std::max<std::size_t>(most_networks_together / networks, 1);
    for (std::size_t begin = 0; begin < waiting.size(); begin += together) {
      const std::size_t end = std::min(begin + together, waiting.size());
      train(Rows(waiting.begin() + static_cast<std::ptrdiff_t>(begin),
                 waiting.begin() + static_cast<std::ptrdiff_t>(end)),
            prepared);
    }
  }

  TrainedRun load_trained_point(const SweepRow& row, const Prepared& prepared) const {
    try {
      return load_trained_run(row.point.config, prepared, folder_of(row));
    } catch (const DataError& error) {
      throw DataError(fmt::format(
          "{}; give the sweep another name (name=...) or train all of it anew with --force",
          error.what()));
    }
  }

  /// Whether the point is trained already. Makes its folder that of a run that begins or goes on.
  bool begin(const SweepRow& row, const Prepared& prepared) {
    const RunFolder folder = folder_of(row);
    const bool same = !place_.force && is_of(folder, row.point.config);
    if (folder.state() >= RunFolder::State::trained && !place_.force) {
      if (!same) {
        throw DataError(fmt::format(
            "{}: holds a point of another configuration; give the sweep another name (name=...) or "
            "train all of it anew with --force",
            folder.path().string()));
      }
      if (read_file(folder.file(run_file::split), run_file::max_text_bytes) !=
          split_csv(prepared.corpus, prepared.split)) {
        throw DataError(fmt::format(
            "{}: clips of the corpus were added, removed or changed since this point was trained; "
            "give the sweep another name (name=...) or train all of it anew with --force",
            folder.path().string()));
      }
      folder.remove_leftovers();
      return true;
    }
    if (same) {
      folder.remove_leftovers();
      return false;
    }
    if (folder.has_checkpoint() && !place_.force) {
      place_.observer.note(
          fmt::format("{}: held an unfinished point of another configuration, which is dropped",
                      folder.path().string()));
    }
    folder.clear();
    write_file_atomically(folder.file(run_file::config), resolved_yaml(row.point.config));
    return false;
  }

  void train(const Rows& rows, const Prepared& prepared) {
    std::vector<RunToTrain> runs;
    for (const SweepRow* row : rows) runs.push_back({row->point.config, folder_of(*row)});
    place_.observer.note(fmt::format(
        "sweep: training {}{}", rows.front()->point.name,
        rows.size() > 1 ? fmt::format(" and {} more points", rows.size() - 1) : std::string()));
    try {
      // Of those that train together: a sweep may have more points than a process may open folders.
      std::vector<std::unique_ptr<RunLock>> locks;
      locks.reserve(runs.size());
      for (const RunToTrain& each : runs) locks.push_back(std::make_unique<RunLock>(each.folder));
      const std::vector<TrainedRun> trained = train_runs(runs, place_, prepared);
      for (std::size_t i = 0; i < rows.size(); ++i) judge(*rows[i], trained[i]);
    } catch (const DataError& error) {
      failed(rows, prepared, error.what());
    } catch (const ShapeError& error) {
      failed(rows, prepared, error.what());
    }
  }

  /// One of these points cannot be trained. Each by itself goes on from where it was stopped.
  void failed(const Rows& rows, const Prepared& prepared, const std::string& why) {
    if (rows.size() > 1) {
      for (SweepRow* row : rows) train({row}, prepared);
      return;
    }
    rows.front()->failure = why;
    place_.observer.warn(fmt::format("sweep: {} failed: {}", rows.front()->point.name, why));
  }

  void judge(SweepRow& row, const TrainedRun& trained) const {
    std::vector<double> values;
    double epochs = 0;
    for (const TrainedNetwork& network : trained.networks) {
      const auto kept = static_cast<std::size_t>(std::max(network.kept_epoch, 1)) - 1;
      values.push_back(network.history.at(kept).value(monitor_of(result_.judge)));
      epochs += network.kept_epoch;
    }
    row.judged = mean_and_deviation(values);
    row.networks = values.size();
    row.kept_epoch = epochs / static_cast<double>(values.size());
    for (const LayerSummary& layer : trained.networks.front().layers) {
      row.parameters += layer.parameters;
    }
  }

  void rank() {
    const bool lower = lower_is_better(monitor_of(result_.judge));
    std::stable_sort(
        result_.rows.begin(), result_.rows.end(), [&](const SweepRow& a, const SweepRow& b) {
          if (!a.judged || !b.judged) return a.judged && !b.judged;
          return lower ? a.judged->mean < b.judged->mean : a.judged->mean > b.judged->mean;
        });
    if (!result_.rows.front().judged) {
      throw DataError(fmt::format("every point of the sweep failed, the first: {}: {}",
                                  result_.rows.front().point.name, result_.rows.front().failure));
    }
    result_.best = result_.folder / "best.yaml";
    ExperimentConfig best = result_.rows.front().point.config;
    best.name = plan_.base.name + "-best";
    write_file_atomically(result_.best, resolved_yaml(best));
    write_file_atomically(result_.folder / "sweep.csv", sweep_csv(result_));
    write_file_atomically(result_.folder / "sweep.json", sweep_json(plan_.base.name, result_));
  }

  const SweepPlan& plan_;
  Workplace place_;
  SweepResult result_;
};

}  // namespace

SweepResult sweep(const SweepPlan& plan, const Workplace& workplace) {
  const RunFolder folder(workplace.runs / plan.base.name / "sweep");
  folder.make();
  const RunLock lock(folder);
  workplace.on_run_folder(folder);
  return Sweep(plan, workplace, folder.path()).run();
}

}  // namespace serenade
