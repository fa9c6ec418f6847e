#include "pipeline/experiment/run_ensemble.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "pipeline/evaluation/analysis.h"
#include "pipeline/evaluation/seed_averages.h"
#include "pipeline/experiment/ensemble.h"
#include "pipeline/experiment/ensemble_file.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/experiment/report.h"
#include "pipeline/experiment/run_config.h"
#include "pipeline/experiment/scoring.h"
#include "pipeline/experiment/split_table.h"
#include "pipeline/experiment/whole_run.h"
#include "pipeline/support/files.h"
#include "pipeline/support/stopwatch.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// A run as a member of an ensemble.
struct MemberRun {
  RunFolder folder;
  ExperimentConfig config;
  SplitTable split;
  std::vector<std::string> labels;

  std::string name() const { return folder.path().string(); }
};

MemberRun open_member(const fs::path& path) {
  RunFolder folder = RunFolder::open(path);
  if (is_ensemble(folder)) {
    throw DataError(fmt::format("{}: is an ensemble itself; name its runs instead", path.string()));
  }
  for (const auto file : {run_file::config, run_file::split}) {
    if (fs::exists(folder.file(file))) continue;
    throw DataError(fmt::format("{}: holds no {}: runs are combined, not single networks of them",
                                path.string(), file));
  }
  ExperimentConfig config = config_of(folder);
  expect_networks(folder, config);
  SplitTable split = read_split_table(folder.file(run_file::split));
  std::vector<std::string> labels = Ensemble(path).labels();
  return {std::move(folder), std::move(config), std::move(split), std::move(labels)};
}

/// A clip that the one is tested on and the other's network for that fold has heard.
void expect_no_leak(const std::string& fold, const MemberRun& tested, const MemberRun& other) {
  const SplitTable::Clips& heard = other.split.folds.at(fold).heard;
  std::size_t leaks = 0;
  std::string example;
  const SplitTable::Clips& test = tested.split.folds.at(fold).test;
  for (const auto& [content, id] : test) {
    if (!heard.contains(content)) continue;
    if (leaks++ == 0) example = id;
  }
  if (leaks == 0) return;
  throw DataError(fmt::format(
      "{} of the {} clips that {} is tested on{} were in the training or validation part of {} ({} "
      "for one): together they would answer from memory. Combine runs of one split: the same "
      "`split` and `seed`, with `seeds` for several networks",
      leaks, test.size(), tested.name(), tested.split.folds.size() > 1 ? " in " + fold : "",
      other.name(), example));
}

void expect_alike(const MemberRun& first, const MemberRun& other) {
  const auto differ = [&](const std::string& what) {
    throw DataError(
        fmt::format("{} and {} cannot speak together: {}", first.name(), other.name(), what));
  };
  if (first.labels != other.labels) {
    differ(fmt::format("their labels are {} and {}", fmt::join(first.labels, ", "),
                       fmt::join(other.labels, ", ")));
  }
  const auto names = [](const MemberRun& run) {
    std::vector<std::string> folds;
    for (const auto& [name, fold] : run.split.folds) folds.push_back(name);
    return folds;
  };
  if (names(first) != names(other)) {
    differ(fmt::format("their folds are {} and {}", fmt::join(names(first), ", "),
                       fmt::join(names(other), ", ")));
  }
  for (const auto& [fold, parts] : first.split.folds) {
    expect_no_leak(fold, first, other);
    expect_no_leak(fold, other, first);
  }
  for (const auto& [fold, parts] : first.split.folds) {
    if (parts.test != other.split.folds.at(fold).test) {
      differ(fmt::format("they are tested on other clips in {}", fold));
    }
  }
  if (first.split.clips != other.split.clips || first.split.who != other.split.who) {
    differ("their recordings, speakers or labels are not the same");
  }
}

std::vector<MemberRun> open_members(const std::vector<fs::path>& runs) {
  if (runs.size() < 2) throw ConfigError("an ensemble takes two runs or more");
  std::set<fs::path> distinct;
  std::vector<MemberRun> members;
  for (const fs::path& run : runs) {
    if (!distinct.insert(fs::weakly_canonical(run)).second) {
      throw DataError(fmt::format("{}: stands twice among the runs", run.string()));
    }
    members.push_back(open_member(run));
    if (members.size() > 1) expect_alike(members.front(), members.back());
  }
  return members;
}

/// The means of the probabilities that runs give each clip in each fold, in the first's order.
std::vector<ClipPrediction> mean_of(const std::vector<std::string>& labels,
                                    const std::vector<std::vector<ClipPrediction>>& runs) {
  std::vector<ClipPrediction> mean = runs.front();
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < mean.size(); ++i)
    places.emplace(std::pair(mean[i].fold, mean[i].id), i);
  for (std::size_t run = 1; run < runs.size(); ++run) {
    for (const ClipPrediction& clip : runs[run]) {
      std::vector<float>& sum = mean[places.at({clip.fold, clip.id})].probabilities;
      for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += clip.probabilities[c];
    }
  }
  for (ClipPrediction& clip : mean) {
    for (float& p : clip.probabilities) p /= static_cast<float>(runs.size());
    clip.predicted = labels[static_cast<std::size_t>(most_likely(clip.probabilities))];
  }
  return mean;
}

std::string describe(const MemberRun& run, std::size_t networks,
                     const std::vector<ClipPrediction>& predictions) {
  const Evaluation alone = evaluate_predictions(run.labels, predictions);
  return fmt::format("{}: {} network{}; accuracy {:.1f} %, UAR {:.1f} %, macro-F1 {:.1f} %",
                     run.config.name, networks, networks == 1 ? "" : "s", 100 * alone.accuracy.mean,
                     100 * alone.uar.mean, 100 * alone.macro_f1.mean);
}

/// "a, b and c" of features or configurations, each named once.
void add_distinct(std::vector<std::string>& texts, const std::string& text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
}

ScoredRun score_members(const std::string& name, const std::vector<MemberRun>& members,
                        const EnsembleFile& file, const Workplace& workplace) {
  const Stopwatch watch;
  std::vector<std::vector<ClipPrediction>> predictions;
  std::optional<ReportData> report;
  std::vector<std::string> features, notes, configurations;
  notes.push_back(
      fmt::format("an ensemble of {} runs, whose probabilities are averaged; each run "
                  "counts the same. Each by itself:",
                  members.size()));
  for (std::size_t i = 0; i < members.size(); ++i) {
    const MemberRun& member = members[i];
    const Prepared prepared = prepare_as_trained(member.config, member.folder, workplace);
    predictions.push_back(averaged_over_seeds(
        member.labels, predict_test_parts(member.config, workplace, prepared, member.folder)));
    notes.push_back(describe(member, file.runs[i].models.size(), predictions.back()));
    ReportData own = begin_report(member.config, workplace, prepared, {});
    add_distinct(features, own.features);
    configurations.push_back(fmt::format("# {}\n{}", member.config.name, own.config_yaml));
    // What is said of standardising by speaker holds for all, wherever one does it.
    if (!report || (report->protocol.name != own.protocol.name &&
                    own.protocol.name.ends_with(speaker_norm_suffix))) {
      report = std::move(own);
    }
  }
  report->title = name;
  report->seeds.clear();
  report->features = fmt::format("{}", fmt::join(features, "; and "));
  report->config_yaml = fmt::format("{}", fmt::join(configurations, "---\n"));
  report->notes.insert(report->notes.begin(), notes.begin(), notes.end());
  std::vector<ClipPrediction> mean = mean_of(members.front().labels, predictions);
  score_predictions(workplace.context, members.front().labels, mean, *report);
  report->timings.push_back({"scoring", watch.seconds(), fmt::format("{} runs", members.size())});
  return {std::move(*report), std::move(mean)};
}

}  // namespace

ReportData combine_runs(const std::vector<fs::path>& runs, const std::string& name,
                        const Workplace& workplace) {
  expect_run_name(name);
  const std::vector<MemberRun> members = open_members(runs);
  const RunFolder folder(workplace.runs / name);
  for (const MemberRun& member : members) {
    if (fs::weakly_canonical(member.folder.path()) != fs::weakly_canonical(folder.path())) continue;
    throw DataError(fmt::format("{}: is one of the runs to be combined; give --name another",
                                folder.path().string()));
  }
  folder.make();
  const RunLock lock(folder);
  if (!workplace.force && (is_ensemble(folder) || folder.state() != RunFolder::State::empty)) {
    throw DataError(
        fmt::format("{}: holds a run or an ensemble; give this one another --name or overwrite it "
                    "with --force",
                    folder.path().string()));
  }
  std::vector<RunFolder> folders;
  folders.reserve(members.size());
  for (const MemberRun& member : members) folders.push_back(member.folder);
  const EnsembleFile file = list_models(folder, folders);
  ScoredRun scored = score_members(name, members, file, workplace);
  folder.clear();
  workplace.on_run_folder(folder);
  write_file_atomically(folder.file(run_file::ensemble), ensemble_json(file));
  write_results(folder, scored.report, scored.predictions);
  return std::move(scored.report);
}

ReportData evaluate_ensemble(const RunFolder& folder, const Workplace& workplace) {
  const EnsembleFile file = read_ensemble(folder);
  std::vector<fs::path> runs;
  for (const RunFolder& run : runs_of(folder, file)) runs.push_back(run.path());
  const std::vector<MemberRun> members = open_members(runs);
  std::optional<RunLock> lock;
  const bool finished = folder.state() == RunFolder::State::finished;
  if (!finished) lock.emplace(folder);
  const std::string name = fs::weakly_canonical(folder.path()).filename().string();
  ScoredRun scored = score_members(name, members, file, workplace);
  if (!finished) write_results(folder, scored.report, scored.predictions);
  return std::move(scored.report);
}

}  // namespace serenade
