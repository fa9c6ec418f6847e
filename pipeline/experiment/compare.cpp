#include "pipeline/experiment/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/evaluation/seed_averages.h"
#include "pipeline/experiment/run_results.h"
#include "pipeline/model/standard_scaler.h"

namespace serenade {
namespace {

/// Fold and id; the fold is empty where ids are enough.
using Key = std::pair<std::string, std::string>;
using Words = std::map<Key, ClipPrediction>;

/// What a run says of each of its test clips.
Words words_of(const RunResults& results, bool by_fold) {
  Words words;
  for (ClipPrediction& clip : averaged_over_seeds(results.table.labels, results.table.rows)) {
    if (clip.label.empty()) continue;
    Key key{by_fold ? clip.fold : "", clip.id};
    words.emplace(std::move(key), std::move(clip));
  }
  return words;
}

void expect_same_classes(const std::vector<RunResults>& all) {
  const auto sorted = [](std::vector<std::string> labels) {
    std::sort(labels.begin(), labels.end());
    return labels;
  };
  for (const RunResults& results : all) {
    if (sorted(results.table.labels) == sorted(all.front().table.labels)) continue;
    throw DataError(
        fmt::format("{} tells {} apart, and {} {}: runs of different classes cannot be "
                    "compared clip by clip",
                    all.front().path, fmt::join(all.front().table.labels, ", "), results.path,
                    fmt::join(results.table.labels, ", ")));
  }
}

/// Whether the recording of this id is another one in some run than in the first.
bool is_another(const std::vector<RunResults>& all, const std::string& id) {
  const auto first = all.front().contents.find(id);
  if (first == all.front().contents.end()) return false;
  return std::any_of(all.begin() + 1, all.end(), [&](const RunResults& results) {
    const auto own = results.contents.find(id);
    return own != results.contents.end() && own->second != first->second;
  });
}

/// The clips that all runs tested, and what is not common in the notes.
std::vector<Key> common_keys(const std::vector<RunResults>& all, const std::vector<Words>& words,
                             std::vector<std::string>& notes) {
  std::vector<Key> common;
  Examples replaced;
  std::size_t others = 0;
  for (const auto& word : words.front()) {
    const Key& key = word.first;
    const bool everywhere = std::all_of(words.begin(), words.end(),
                                        [&](const Words& own) { return own.contains(key); });
    if (!everywhere) continue;
    if (is_another(all, key.second)) {
      ++others;
      replaced.add(key.second);
      continue;
    }
    common.push_back(key);
  }
  if (others > 0) {
    notes.push_back(
        fmt::format("{} clips have the same id in the runs and are different recordings, which are "
                    "left out: {}",
                    others, replaced.text()));
  }
  bool differ = false;
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (words[r].size() == common.size()) continue;
    differ = true;
    notes.push_back(fmt::format("{} tested {} clips, of which {} are common to all", all[r].path,
                                words[r].size(), common.size()));
  }
  if (common.empty()) {
    const bool repeats = std::any_of(all.begin(), all.end(),
                                     [](const RunResults& one) { return one.repeats_clips; });
    throw DataError(
        fmt::format("{} have no test clip in common, so that nothing can be compared{}: {}",
                    fmt::join(words.size() == 2 ? std::vector<std::string>{all[0].path, all[1].path}
                                                : std::vector<std::string>{"the runs"},
                              " and "),
                    repeats ? " (clips are matched fold by fold, as one is tested in several)" : "",
                    fmt::join(notes, "; ")));
  }
  if (differ && static_cast<Index>(common.size()) < fewest_common_clips) {
    throw DataError(
        fmt::format("the runs' test parts differ and have {} clips in common, which are too few to "
                    "say anything "
                    "(at least {} are needed): {}. Compare runs of the same protocol and split",
                    common.size(), fewest_common_clips, fmt::join(notes, "; ")));
  }
  if (differ) {
    notes.push_back(
        fmt::format("only the {} common clips are compared, which are not the whole "
                    "test part of each run; its own report has all",
                    common.size()));
  }
  return common;
}

void note_differing_protocols(const std::vector<RunResults>& all, std::vector<std::string>& notes) {
  std::set<std::string> protocols, splits;
  for (const RunResults& results : all) {
    const std::string& name = results.scores.protocol.name;
    protocols.insert(name);
    splits.insert(name.substr(0, name.rfind(speaker_norm_suffix)));
  }
  if (splits.size() > 1) {
    notes.push_back(fmt::format(
        "the runs follow different protocols ({}), so that their networks also heard different "
        "clips in training: a difference is that of protocols and networks together",
        fmt::join(protocols, ", ")));
  }
  const auto by_speaker = std::count_if(protocols.begin(), protocols.end(), [](const auto& name) {
    return name.ends_with(speaker_norm_suffix);
  });
  if (by_speaker > 0 && by_speaker < std::ssize(protocols)) {
    notes.push_back(fmt::format(
        "those of the runs whose protocol ends in {} heard the test speakers' other clips, without "
        "labels, before they were tested: a difference is that of what is known and of networks "
        "together",
        speaker_norm_suffix));
  }
  for (const RunResults& results : all) {
    if (!results.contents.empty()) continue;
    notes.push_back(fmt::format("{}: has no split.csv, so that its clips are matched by id alone",
                                results.path));
  }
  if (all.front().repeats_clips) {
    notes.emplace_back(
        "clips are tested in several folds and counted once in each: McNemar's test takes them for "
        "different ones, so that its p is too small; the intervals draw a clip with all its folds");
  }
}

/// True classes, predictions and what is drawn as one, in the order of the common clips.
class Pairing {
 public:
  Pairing(const std::vector<RunResults>& all, const std::vector<Words>& words,
          const std::vector<Key>& keys, Resampled resampled)
      : labels_(all.front().table.labels) {
    std::map<std::string, Index> numbers;
    std::vector<std::string> drawn;
    for (const Key& key : keys) {
      const ClipPrediction& clip = words.front().at(key);
      const bool by_speaker = resampled == Resampled::speakers && !clip.speaker.empty();
      drawn.push_back(by_speaker ? "s" + clip.speaker : "c" + clip.id);
      numbers.emplace(drawn.back(), 0);
      truth.push_back(static_cast<int>(class_number(labels_, clip.label, clip)));
    }
    Index next = 0;
    for (auto& [name, number] : numbers) number = next++;
    for (const std::string& name : drawn) clusters.push_back(numbers.at(name));
    for (std::size_t r = 0; r < words.size(); ++r) {
      predicted.emplace_back();
      for (const Key& key : keys) {
        const ClipPrediction& clip = words[r].at(key);
        const std::string& label = words.front().at(key).label;
        if (clip.label != label) {
          throw DataError(
              fmt::format("clip {} is {} in {} and {} in {}: the runs were scored with "
                          "different labels (corpus.labels)",
                          clip.id, label, all.front().path, clip.label, all[r].path));
        }
        predicted.back().push_back(static_cast<int>(class_number(labels_, clip.predicted, clip)));
      }
    }
  }

  Index classes() const { return static_cast<Index>(labels_.size()); }
  McNemar mcnemar(std::size_t run) const {
    Index first_only = 0, second_only = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const bool first = predicted[0][i] == truth[i], second = predicted[run][i] == truth[i];
      first_only += first && !second ? 1 : 0;
      second_only += second && !first ? 1 : 0;
    }
    return mcnemar_test(first_only, second_only);
  }

  std::vector<int> truth;
  std::vector<std::vector<int>> predicted;
  std::vector<Index> clusters;

 private:
  std::vector<std::string> labels_;
};

}  // namespace

Comparison compare_runs(Context& context, const std::vector<std::filesystem::path>& folders) {
  if (folders.size() < 2) throw DataError("at least two runs are needed to compare them");
  std::vector<RunResults> all;
  all.reserve(folders.size());
  for (const auto& folder : folders) all.push_back(read_results(folder));
  expect_same_classes(all);
  const bool by_fold =
      std::any_of(all.begin(), all.end(), [](const RunResults& one) { return one.repeats_clips; });
  std::vector<Words> words;
  words.reserve(all.size());
  for (const RunResults& results : all) words.push_back(words_of(results, by_fold));

  Comparison comparison;
  const std::vector<Key> keys = common_keys(all, words, comparison.notes);
  note_differing_protocols(all, comparison.notes);
  comparison.clips = static_cast<Index>(keys.size());
  const bool speakers = std::all_of(
      all.begin(), all.end(), [](const RunResults& one) { return one.scores.resampled_speakers; });
  comparison.resampled = speakers ? Resampled::speakers : Resampled::clips;
  constexpr int resamples = 10000;
  comparison.bootstrap.resamples = resamples;
  const Pairing pairing(all, words, keys, comparison.resampled);
  for (std::size_t r = 0; r < all.size(); ++r) {
    ComparedRun run{
        all[r].path,
        all[r].scores.protocol.name,
        all[r].seeds,
        static_cast<Index>(words[r].size()),
        scores_of(confusion_matrix(pairing.truth, pairing.predicted[r], pairing.classes())),
        std::nullopt,
        std::nullopt};
    if (r > 0) {
      run.differences =
          paired_bootstrap(context, pairing.truth, pairing.predicted[0], pairing.predicted[r],
                           pairing.clusters, pairing.classes(), comparison.bootstrap);
      run.mcnemar = pairing.mcnemar(r);
    }
    comparison.runs.push_back(std::move(run));
  }
  return comparison;
}

}  // namespace serenade
