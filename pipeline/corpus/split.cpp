#include "pipeline/corpus/split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/protocol_text.h"
#include "pipeline/corpus/protocols/parts.h"
#include "pipeline/corpus/protocols/protocol.h"
#include "pipeline/support/csv.h"

namespace serenade {
namespace {

using Indices = std::vector<std::size_t>;

struct ProtocolEntry {
  Protocol protocol;
  Split (*divide)(const SplitTask&);
  bool covers = true;  ///< every clip is in a part of every fold
};

constexpr auto protocols = std::to_array<ProtocolEntry>({
    {Protocol::random, random_split},
    {Protocol::random_grouped, random_split},
    {Protocol::emobox, emobox_split},
    {Protocol::luna, luna_split},
    {Protocol::loso, loso_split},
    {Protocol::speaker_kfold, speaker_kfold_split},
    {Protocol::listed, listed_split, false},
});
static_assert(protocols.size() == enum_names(Protocol()).size());

/// The promise of make_split, checked on what it is about to return.
void expect_sound(const Corpus& corpus, const Fold& fold, bool covers) {
  std::map<ContentHash, Part> part_of;
  std::size_t covered = 0;
  const auto visit = [&](std::span<const std::size_t> indices, Part part) {
    covered += indices.size();
    for (const std::size_t i : indices) {
      const auto& utterance = corpus.utterances[i];
      const auto [seen, is_new] = part_of.emplace(utterance.content, part);
      if (is_new || seen->second == part || corpus.duplicates_apart) continue;
      throw DataError(fmt::format("{}: {} is in two parts of the split, under two names",
                                  fold.name(), utterance.path.string()));
    }
  };
  visit(fold.training().indices(), Part::training);
  visit(fold.validation(), Part::validation);
  visit(fold.test(), Part::test);
  const bool all = covered == corpus.utterances.size();
  if ((covers && !all) || fold.training().size() == 0 || fold.test().empty()) {
    throw DataError(fmt::format("{}: {} training, {} validation and {} test clips of {}",
                                fold.name(), fold.training().size(), fold.validation().size(),
                                fold.test().size(), corpus.utterances.size()));
  }
}

/// A split for each of options.seeds, a fold each.
Split draw_again(const ProtocolEntry& entry, const Corpus& corpus, const SplitOptions& options) {
  Split all;
  for (const std::uint64_t seed : options.seeds) {
    const Split one = entry.divide({corpus, options, seed});
    const Fold& fold = one.folds.front();
    const auto copy = [](std::span<const std::size_t> part) {
      return Indices(part.begin(), part.end());
    };
    all.folds.emplace_back(fmt::format("fold-{}", seed), copy(fold.training().indices()),
                           copy(fold.validation()), copy(fold.test()));
    for (const std::string& note : one.notes) {
      if (std::find(all.notes.begin(), all.notes.end(), note) == all.notes.end()) {
        all.notes.push_back(note);
      }
    }
  }
  return all;
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
  const bool listed = options.protocol == Protocol::listed;
  if (listed == options.file.empty()) {
    throw ConfigError(
        listed ? "split.protocol listed needs split.file, a CSV file with the columns id and part"
               : fmt::format("split.file is '{}', but split.protocol is {}: set it to listed, or "
                             "take split.file out",
                             options.file, enum_name(options.protocol)));
  }
  if (corpus.utterances.empty()) throw DataError("the corpus is empty: there is nothing to split");
  const auto* const entry = std::find_if(
      protocols.begin(), protocols.end(),
      [&](const ProtocolEntry& candidate) { return candidate.protocol == options.protocol; });
  check_split_seeds(options);
  Split split = options.seeds.empty() ? entry->divide({corpus, options, seed})
                                      : draw_again(*entry, corpus, options);
  split.protocol = enum_name(options.protocol);
  split.description = protocol_text(split.protocol, options.test_size);
  if (split.folds.size() > 1 && !options.seeds.empty()) {
    split.description += fmt::format(
        " That is drawn {} times, with seeds {}, a fold each; scores are averaged over these "
        "folds.",
        options.seeds.size(), fmt::join(options.seeds, ", "));
  }
  for (const auto& fold : split.folds) expect_sound(corpus, fold, entry->covers);
  note_missing_labels(corpus, split);
  return split;
}

void check_split_seeds(const SplitOptions& options) {
  constexpr std::size_t most = 1000;
  if (options.seeds.empty()) return;
  if (options.protocol != Protocol::random && options.protocol != Protocol::random_grouped) {
    throw ConfigError(fmt::format(
        "split.seeds draws {} splits, but split.protocol is {}: only random and random-grouped "
        "draw one that can be drawn again; take split.seeds out, or set seeds, which trains "
        "several networks for every fold",
        options.seeds.size(), enum_name(options.protocol)));
  }
  if (options.seeds.size() > most) {
    throw ConfigError(fmt::format("split.seeds: {} are more than {}", options.seeds.size(), most));
  }
  const std::set<std::uint64_t> distinct(options.seeds.begin(), options.seeds.end());
  if (distinct.size() < options.seeds.size()) {
    throw ConfigError("split.seeds: one stands there twice, and would draw the same split again");
  }
}

std::string split_csv(const Corpus& corpus, const Split& split) {
  std::string text = "id,content,speaker,label,fold,part\n";
  for (const auto& fold : split.folds) {
    std::vector<Part> parts(corpus.utterances.size(), Part::none);
    for (const std::size_t i : fold.training().indices()) parts.at(i) = Part::training;
    for (const std::size_t i : fold.validation()) parts.at(i) = Part::validation;
    for (const std::size_t i : fold.test()) parts.at(i) = Part::test;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] == Part::none) continue;
      const auto& utterance = corpus.utterances[i];
      text += fmt::format("{},{},{},{},{},{}\n", csv_field(utterance.id),
                          to_string(utterance.content), csv_field(utterance.speaker),
                          csv_field(utterance.label), csv_field(fold.name()), part_name(parts[i]));
    }
  }
  return text;
}

}  // namespace serenade
