#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "kernels/device/error.h"
#include "pipeline/corpus/name_parts.h"
#include "pipeline/corpus/protocols/parts.h"
#include "pipeline/corpus/protocols/speakers.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

constexpr std::size_t max_list_bytes = std::size_t{1} << 28U;
constexpr int max_folds = 9999;
constexpr std::string_view fold_prefix = "fold-";

/// Where a clip stands in the list.
struct Entry {
  Part part = Part::none;
  std::size_t line = 0;  ///< 0: nowhere
};

/// A fold of the list: an entry for each clip, in the order of the corpus.
using Entries = std::vector<Entry>;

/// By the name that the list gives the fold, in natural order: "2" before "10".
struct Natural {
  bool operator()(const std::string& a, const std::string& b) const {
    return std::tuple(a.size(), a) < std::tuple(b.size(), b);
  }
};
using FoldsByName = std::map<std::string, Entries, Natural>;

/// Columns of the list by their place.
struct Columns {
  std::size_t id, part;
  std::optional<std::size_t> fold, content;
};

Columns columns_of(const CsvTable& table) {
  const auto id = table.find("id"), part = table.find("part");
  if (!id || !part) {
    table.fail(
        "the first line must name the columns id and part; fold and content are read where they "
        "are there, others are not looked at");
  }
  return {*id, *part, table.find("fold"), table.find("content")};
}

/// Reads a list of parts for a corpus.
class List {
 public:
  explicit List(const SplitTask& task) : task_(task), name_(task.options.file) {
    const auto& utterances = task.corpus.utterances;
    for (std::size_t i = 0; i < utterances.size(); ++i) indices_.emplace(utterances[i].id, i);
    for (const auto& clip : task.corpus.left_out) left_out_.insert(clip.id);
    read(read_file(name_, max_list_bytes));
  }

  const FoldsByName& folds() const { return folds_; }
  /// Rows that name recordings which are in the corpus but cannot be used.
  std::size_t unusable() const { return unusable_; }

 private:
  void read(const std::string& text) {
    CsvTable table(text, name_);
    const Columns columns = columns_of(table);
    while (table.next()) take(table, columns);
    if (folds_.empty()) table.fail("the list names no clip of the corpus");
  }

  /// Takes the line at which the table is.
  void take(const CsvTable& table, const Columns& columns) {
    const std::string& id = table[columns.id];
    const auto part = parse_part(table[columns.part]);
    if (!part) {
      table.fail(fmt::format("part '{}' of {} is none of training, validation and test",
                             table[columns.part], id));
    }
    const auto found = indices_.find(id);
    if (found == indices_.end() && left_out_.contains(id)) {
      ++unusable_;
      return;
    }
    if (found == indices_.end()) {
      table.fail(fmt::format(
          "'{}' is no recording of the corpus ({} recordings with ids such as '{}'); take the line "
          "out, or mend corpus.path and what else selects the recordings",
          id, indices_.size(), indices_.begin()->first));
    }
    const auto& utterance = task_.corpus.utterances[found->second];
    if (columns.content && table[*columns.content] != to_string(utterance.content)) {
      table.fail(fmt::format(
          "{} is another recording in the list (content '{}') than {} (content {}); "
          "without the column content only ids are compared",
          id, table[*columns.content], utterance.path.string(), to_string(utterance.content)));
    }
    Entries& fold = folds_[columns.fold ? table[*columns.fold] : "1"];
    fold.resize(task_.corpus.utterances.size());
    Entry& entry = fold[found->second];
    if (entry.line != 0) {
      table.fail(fmt::format("{} stands in line {} already", id, entry.line));
    }
    entry = {*part, table.line()};
  }

  const SplitTask& task_;
  std::string name_;
  std::map<std::string, std::size_t> indices_;
  std::set<std::string> left_out_;
  FoldsByName folds_;
  std::size_t unusable_ = 0;
};

/// K of "fold-K" or "K"; 0 for other names.
int fold_number(std::string_view name) {
  if (name.starts_with(fold_prefix)) name.remove_prefix(fold_prefix.size());
  if (name.size() > 4 || name.starts_with('0')) return 0;
  return number_of(name).value_or(0);
}

/// Numbers of the folds, by which they are named here: their own where each has one, or else 1, 2,
/// ... in natural order.
std::vector<int> number_folds(const FoldsByName& folds) {
  std::vector<int> numbers;
  for (const auto& [name, entries] : folds) numbers.push_back(fold_number(name));
  const std::set<int> distinct(numbers.begin(), numbers.end());
  if (distinct.size() == numbers.size() && !distinct.contains(0)) return numbers;
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i) + 1;
  return numbers;
}

/// Names both files where one content is in two parts.
void expect_no_copies_apart(const SplitTask& task, const std::string& fold,
                            const Entries& entries) {
  if (task.corpus.duplicates_apart) return;
  std::map<ContentHash, std::size_t> first;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].part == Part::none) continue;
    const auto& utterance = task.corpus.utterances[i];
    const auto [seen, is_new] = first.emplace(utterance.content, i);
    const std::size_t other = seen->second;
    if (is_new || entries[other].part == entries[i].part) continue;
    const auto where = [&](std::size_t clip) {
      return fmt::format("{} ({}, line {})", task.corpus.utterances[clip].path.string(),
                         part_name(entries[clip].part), entries[clip].line);
    };
    throw DataError(fmt::format(
        "{}: {}: {} and {} are the same recording, byte for byte, in two parts; put both in one "
        "part, leave one out, or set corpus.duplicates to allow to score copies of what is learned",
        task.options.file, fold, where(other), where(i)));
  }
}

bool speakers_apart(const Corpus& corpus, const std::vector<Part>& parts) {
  Speakers learned;
  Speakers tested;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == Part::none) continue;
    (parts[i] == Part::test ? tested : learned).insert(corpus.utterances[i].speaker);
  }
  return std::none_of(tested.begin(), tested.end(),
                      [&](const auto& speaker) { return learned.contains(speaker); });
}

/// Holds a validation part out of a fold that lists none: whole speakers where the test speakers
/// are others than those of training, clips where not.
void draw_validation(const SplitTask& task, const std::string& fold, bool by_speaker,
                     std::vector<Part>& parts) {
  const Corpus& corpus = task.corpus;
  const std::string purpose = "validation of " + fold;
  Speakers training;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == Part::training) training.insert(corpus.utterances[i].speaker);
  }
  if (by_speaker && training.size() > 1) {
    const Speakers chosen = draw_validation_speakers(task, training, purpose);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] == Part::training && chosen.contains(corpus.utterances[i].speaker)) {
        parts[i] = Part::validation;
      }
    }
    return;
  }
  std::vector<Group> groups = group(corpus, false);
  for (auto& each : groups) {
    std::erase_if(each.members, [&](std::size_t i) { return parts[i] != Part::training; });
  }
  std::erase_if(groups, [](const Group& each) { return each.members.empty(); });
  draw_validation_clips(task, groups, purpose, parts);
}

}  // namespace

Split listed_split(const SplitTask& task) {
  const List list(task);
  Split split;
  split.speaker_independent = true;
  std::string left_out;
  std::vector<std::string> renamed, drawn;
  const std::vector<int> numbers = number_folds(list.folds());
  std::map<int, Fold> folds;  // in the order of their numbers
  std::size_t k = 0;
  for (const auto& [listed_name, entries] : list.folds()) {
    const int number = numbers[k++];
    if (number > max_folds) {
      throw DataError(fmt::format("{}: {} folds are more than the {} that can be told apart",
                                  task.options.file, list.folds().size(), max_folds));
    }
    const std::string name = fmt::format("{}{}", fold_prefix, number);
    if (fold_number(listed_name) != number) {
      renamed.push_back(fmt::format("{} is '{}'", name, listed_name));
    }
    expect_no_copies_apart(task, name, entries);
    std::vector<Part> parts;
    for (const Entry& entry : entries) parts.push_back(entry.part);
    for (const Part part : {Part::training, Part::test}) {
      if (std::count(parts.begin(), parts.end(), part) > 0) continue;
      throw DataError(fmt::format("{}: {} has no {} clip in the list", task.options.file, name,
                                  part_name(part)));
    }
    const bool independent = speakers_apart(task.corpus, parts);
    split.speaker_independent = split.speaker_independent && independent;
    const auto listed_nowhere = std::count(parts.begin(), parts.end(), Part::none);
    if (listed_nowhere > 0) {
      left_out += fmt::format("{}{} in {}", left_out.empty() ? "" : ", ", listed_nowhere, name);
    }
    if (task.options.validation > 0 &&
        std::count(parts.begin(), parts.end(), Part::validation) == 0) {
      draw_validation(task, name, independent, parts);
      drawn.push_back(name);
    }
    folds.emplace(number, make_fold(name, parts));
  }
  for (auto& [number, fold] : folds) split.folds.push_back(std::move(fold));
  if (!renamed.empty()) {
    split.notes.push_back(
        fmt::format("folds of the list are numbered: {}", fmt::join(renamed, ", ")));
  }
  if (!drawn.empty()) {
    split.notes.push_back(fmt::format(
        "the list has no validation part in {} of {} folds: split.validation ({}) of its training "
        "part is held out there; split.validation=0 leaves the list as it is",
        drawn.size(), split.folds.size(), shortest(task.options.validation)));
  }
  if (!left_out.empty()) {
    split.notes.push_back(
        fmt::format("clips of the corpus that the list does not name take no part: {}", left_out));
  }
  if (list.unusable() > 0) {
    split.notes.push_back(fmt::format(
        "{} rows of the list name recordings that are left out of the corpus", list.unusable()));
  }
  return split;
}

}  // namespace serenade
