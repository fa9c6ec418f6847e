#include "pipeline/corpus/protocols/actors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/corpus/protocols/speakers.h"
#include "pipeline/support/parse_number.h"

namespace serenade {
namespace {

/// "1, 2, 5-7".
std::string ranges(const std::set<int>& numbers) {
  std::string text;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const int first = *it;
    int last = first;
    for (++it; it != numbers.end() && *it == last + 1; ++it) last = *it;
    if (!text.empty()) text += ", ";
    text += last == first ? std::to_string(first) : fmt::format("{}-{}", first, last);
  }
  return text;
}

int actor_of(const Utterance& utterance) {
  const auto actor = parse_number<int>(utterance.speaker);
  if (actor) return *actor;
  throw DataError(
      fmt::format("{}: speaker '{}' is no RAVDESS actor", utterance.id, utterance.speaker));
}

/// The corpus' actors, by number and by name.
class Actors {
 public:
  explicit Actors(const Corpus& corpus) {
    for (const auto& utterance : corpus.utterances) {
      names_.emplace(actor_of(utterance), utterance.speaker);
    }
    for (const auto& [number, name] : names_) extra_.insert(number);
  }

  /// Those of them that are there; the others are remembered.
  Speakers present(const std::vector<int>& numbers) {
    Speakers found;
    for (const int number : numbers) {
      const auto name = names_.find(number);
      if (name == names_.end()) {
        absent_.insert(number);
      } else {
        found.insert(name->second);
      }
    }
    return found;
  }
  Speakers tested(const std::vector<int>& numbers) {
    for (const int number : numbers) extra_.erase(number);
    return present(numbers);
  }

  const std::set<int>& absent() const { return absent_; }
  /// Those that no fold tests.
  const std::set<int>& extra() const { return extra_; }

 private:
  std::map<int, std::string> names_;
  std::set<int> absent_, extra_;
};

}  // namespace

Split split_by_actors(const SplitTask& task, std::span<const ActorFold> folds) {
  const auto protocol = enum_name(task.options.protocol);
  if (task.corpus.name != "ravdess") {
    throw ConfigError(
        fmt::format("split.protocol {} names actors of RAVDESS, and the corpus is {}; use "
                    "speaker-kfold, loso, random or random-grouped",
                    protocol, task.corpus.name));
  }
  Actors actors(task.corpus);
  const Speakers present = present_speakers(task, "actors");

  Split split;
  split.speaker_independent = true;
  for (std::size_t k = 0; k < folds.size(); ++k) {
    SpeakerFold fold{fmt::format("fold-{}", k + 1), actors.tested(folds[k].test), {}};
    if (fold.test.empty()) {
      split.notes.push_back(fmt::format("{} is left out: none of its test actors ({}) is there",
                                        fold.name, fmt::join(folds[k].test, ", ")));
      continue;
    }
    if (task.options.validation > 0) {
      fold.validation = actors.present(folds[k].validation);
      if (fold.validation.empty() && !folds[k].validation.empty()) {
        split.notes.push_back(
            fmt::format("{}: none of its validation actors ({}) is there; others are drawn instead",
                        fold.name, fmt::join(folds[k].validation, ", ")));
      }
    }
    split.folds.push_back(fold_of_speakers(task, present, fold, "actors"));
  }
  const bool names_validation =
      std::any_of(folds.begin(), folds.end(), [](const auto& f) { return !f.validation.empty(); });
  if (names_validation && task.options.validation == 0) {
    split.notes.push_back(fmt::format(
        "split.validation is 0: the validation actors that {} names are learned from, so that "
        "networks hear more speakers than the protocol gives them",
        protocol));
  }
  if (!actors.absent().empty()) {
    split.notes.insert(split.notes.begin(),
                       fmt::format("of the 24 actors of RAVDESS, {} are not in the data; folds are "
                                   "tested and trained on those present, so this is not the "
                                   "complete protocol",
                                   ranges(actors.absent())));
  }
  if (!actors.extra().empty()) {
    split.notes.push_back(fmt::format("actors {} are in no test part; all folds train on them",
                                      ranges(actors.extra())));
  }
  return split;
}

}  // namespace serenade
