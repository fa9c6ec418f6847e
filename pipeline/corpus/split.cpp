#include "pipeline/corpus/split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/emobox.h"
#include "pipeline/corpus/groups.h"
#include "pipeline/corpus/protocol_text.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

using Indices = std::vector<std::size_t>;

enum class Part : unsigned char { training, validation, test };

Fold make_fold(std::string name, const std::vector<Part>& parts) {
  Indices training;
  Indices validation;
  Indices test;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    (parts[i] == Part::training     ? training
     : parts[i] == Part::validation ? validation
                                    : test)
        .push_back(i);
  }
  return {std::move(name), std::move(training), std::move(validation), std::move(test)};
}

std::string percent(double share) { return fmt::format("{:.3g}%", 100 * share); }

/// random and random-grouped.
Split random_split(const Corpus& corpus, const SplitOptions& options, std::uint64_t seed) {
  const bool grouped = options.protocol == Protocol::random_grouped;
  const std::vector<Group> groups = group(corpus, grouped);
  std::map<std::string, std::size_t> groups_of;
  for (const auto& each : groups) ++groups_of[each.label];
  for (const auto& [label, count] : groups_of) {
    if (count > 1) continue;
    throw DataError(fmt::format(
        "split.protocol {} needs at least 2 {} of each emotion, and '{}' has 1; get more "
        "recordings of it or take it out",
        enum_name(options.protocol), grouped ? "groups of repetitions" : "different clips", label));
  }

  std::vector<Part> parts(corpus.utterances.size(), Part::training);
  const auto mark = [&](const std::vector<Group>& from, const std::vector<bool>& taken, Part part) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (!taken[i]) continue;
      for (const std::size_t member : from[i].members) parts[member] = part;
    }
  };
  const auto test = take_stratified(groups, options.test_size, true, seed, "test");
  mark(groups, test, Part::test);
  if (options.validation > 0) {
    std::vector<Group> training;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!test[i]) training.push_back(groups[i]);
    }
    const auto validation =
        take_stratified(training, options.validation, false, seed, "validation");
    if (std::find(validation.begin(), validation.end(), true) == validation.end()) {
      throw DataError(fmt::format(
          "{} training clips are too few to hold {} of them out for validation; set "
          "split.validation to 0 or get more recordings",
          std::count(parts.begin(), parts.end(), Part::training), percent(options.validation)));
    }
    mark(training, validation, Part::validation);
  }

  Split split;
  split.folds.push_back(make_fold("fold-1", parts));
  return split;
}

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
  int actor = 0;
  const auto& text = utterance.speaker;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), actor);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw DataError(fmt::format("{}: speaker '{}' is no RAVDESS actor", utterance.id, text));
  }
  return actor;
}

/// Whole speakers out of the training part: the nearest number to their share, at least one.
std::set<int> validation_speakers(const std::set<int>& training, double share, std::uint64_t seed,
                                  const std::string& fold) {
  const auto wanted = static_cast<std::size_t>(
      std::max(1.0, std::round(share * static_cast<double>(training.size()))));
  std::vector<std::pair<std::uint64_t, int>> order;
  order.reserve(training.size());
  for (const int actor : training) {
    order.emplace_back(draw(seed, "validation of " + fold, fmt::format("{:02}", actor)), actor);
  }
  std::sort(order.begin(), order.end());
  std::set<int> chosen;
  for (std::size_t i = 0; i < std::min(wanted, order.size() - 1); ++i) {
    chosen.insert(order[i].second);
  }
  return chosen;
}

Split emobox_split(const Corpus& corpus, const SplitOptions& options, std::uint64_t seed) {
  if (corpus.name != "ravdess") {
    throw ConfigError(
        fmt::format("split.protocol emobox names actors of RAVDESS, and the corpus is {}; use "
                    "random or random-grouped",
                    corpus.name));
  }
  std::vector<int> actors;
  for (const auto& utterance : corpus.utterances) actors.push_back(actor_of(utterance));
  const std::set<int> present(actors.begin(), actors.end());
  const std::size_t needed = options.validation > 0 ? 3 : 2;
  if (present.size() < needed) {
    throw DataError(fmt::format(
        "split.protocol emobox needs at least {} actors (test, training{}), and the corpus has {}",
        needed, needed > 2 ? ", validation" : "", present.size()));
  }

  Split split;
  split.speaker_independent = true;
  std::set<int> absent;
  std::set<int> extra = present;
  for (std::size_t k = 0; k < emobox_test_actors.size(); ++k) {
    const std::string name = fmt::format("fold-{}", k + 1);
    std::set<int> test;
    std::set<int> training = present;
    for (const int actor : emobox_test_actors[k]) {
      (present.contains(actor) ? test : absent).insert(actor);
      training.erase(actor);
      extra.erase(actor);
    }
    if (test.empty()) {
      split.notes.push_back(fmt::format("{} is left out: none of its test actors ({}) is there",
                                        name, fmt::join(emobox_test_actors[k], ", ")));
      continue;
    }
    if (training.size() + 1 < needed) {
      throw DataError(fmt::format(
          "split.protocol emobox: {} tests on {} and leaves {} actors for training, of the {} that "
          "are there; {} are needed",
          name, ranges(test), training.size(), present.size(), needed - 1));
    }
    std::set<int> validation;
    if (options.validation > 0) {
      validation = validation_speakers(training, options.validation, seed, name);
    }
    std::vector<Part> parts;
    parts.reserve(actors.size());
    for (const int actor : actors) {
      parts.push_back(test.contains(actor)         ? Part::test
                      : validation.contains(actor) ? Part::validation
                                                   : Part::training);
    }
    split.folds.push_back(make_fold(name, parts));
  }
  if (!absent.empty()) {
    split.notes.insert(split.notes.begin(),
                       fmt::format("of the 24 actors of RAVDESS, {} are not in the data; folds are "
                                   "tested and trained on those present, so this is not the "
                                   "complete protocol",
                                   ranges(absent)));
  }
  if (!extra.empty()) {
    split.notes.push_back(
        fmt::format("actors {} are in no test part; all folds train on them", ranges(extra)));
  }
  return split;
}

/// The promise of make_split, checked on what it is about to return.
void expect_no_leak(const Corpus& corpus, const Fold& fold) {
  std::map<ContentHash, Part> part_of;
  std::size_t covered = 0;
  const auto visit = [&](std::span<const std::size_t> indices, Part part) {
    covered += indices.size();
    for (const std::size_t i : indices) {
      const auto& utterance = corpus.utterances[i];
      const auto [seen, is_new] = part_of.emplace(utterance.content, part);
      if (is_new || seen->second == part || corpus.duplicates_apart) continue;
      throw DataError(
          fmt::format("{}: {} is on both sides of the split", fold.name(), utterance.id));
    }
  };
  visit(fold.training().indices(), Part::training);
  visit(fold.validation(), Part::validation);
  visit(fold.test(), Part::test);
  if (covered != corpus.utterances.size() || fold.training().size() == 0 || fold.test().empty()) {
    throw DataError(fmt::format("{}: {} training, {} validation and {} test clips of {}",
                                fold.name(), fold.training().size(), fold.validation().size(),
                                fold.test().size(), corpus.utterances.size()));
  }
}

/// Labels that some part of a fold lacks, said once for each fold.
void note_missing_labels(const Corpus& corpus, Split& split) {
  for (const auto& fold : split.folds) {
    const auto missing_in = [&](std::span<const std::size_t> indices) {
      std::set<std::string> missing(corpus.labels.begin(), corpus.labels.end());
      for (const std::size_t i : indices) missing.erase(corpus.utterances[i].label);
      return missing;
    };
    const auto training = missing_in(fold.training().indices());
    const auto test = missing_in(fold.test());
    if (!training.empty()) {
      split.notes.push_back(fmt::format("{}: no training clip is {}, so none can be recognised",
                                        fold.name(), fmt::join(training, " or ")));
    }
    if (!test.empty()) {
      split.notes.push_back(
          fmt::format("{}: no test clip is {}", fold.name(), fmt::join(test, " or ")));
    }
  }
}

}  // namespace

Fold::Fold(std::string name, Indices training, Indices validation, Indices test)
    : name_(std::move(name)),
      training_(std::move(training)),
      validation_(std::move(validation)),
      test_(std::move(test)) {
  std::set<std::size_t> seen;
  for (const auto* part : {&training_, &validation_, &test_}) {
    for (std::size_t i = 0; i < part->size(); ++i) {
      const std::size_t index = (*part)[i];
      if ((i > 0 && (*part)[i - 1] >= index) || !seen.insert(index).second) {
        throw DataError(fmt::format(
            "{}: clip {} is listed twice or out of order; parts are ascending and disjoint", name_,
            index));
      }
    }
  }
}

Split make_split(const Corpus& corpus, const SplitOptions& options, std::uint64_t seed) {
  check_ranges(options);
  if (corpus.utterances.empty()) throw DataError("the corpus is empty: there is nothing to split");
  Split split = options.protocol == Protocol::emobox ? emobox_split(corpus, options, seed)
                                                     : random_split(corpus, options, seed);
  split.protocol = enum_name(options.protocol);
  split.description = protocol_text(split.protocol, options.test_size);
  for (const auto& fold : split.folds) expect_no_leak(corpus, fold);
  note_missing_labels(corpus, split);
  return split;
}

std::string split_csv(const Corpus& corpus, const Split& split) {
  std::string text = "id,content,speaker,label,fold,part\n";
  for (const auto& fold : split.folds) {
    std::vector<std::string_view> parts(corpus.utterances.size());
    for (const std::size_t i : fold.training().indices()) parts.at(i) = "training";
    for (const std::size_t i : fold.validation()) parts.at(i) = "validation";
    for (const std::size_t i : fold.test()) parts.at(i) = "test";
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& utterance = corpus.utterances[i];
      text += fmt::format("{},{},{},{},{},{}\n", csv_field(utterance.id),
                          to_string(utterance.content), csv_field(utterance.speaker),
                          csv_field(utterance.label), csv_field(fold.name()), parts[i]);
    }
  }
  return text;
}

void write_split_csv(const std::filesystem::path& path, const Corpus& corpus, const Split& split) {
  write_file_atomically(path, split_csv(corpus, split));
}

}  // namespace serenade
