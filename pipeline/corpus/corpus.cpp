#include "pipeline/corpus/corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/corpus/duplicates.h"
#include "pipeline/corpus/emotions.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/corpus/labels.h"
#include "pipeline/corpus/listing.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Fills in the content hashes; leaves out files that cannot be read or are empty.
void hash_contents(Context& context, Listing& listing, const std::string& path, double max_bad,
                   FileMemo* memo, Observer& observer, std::vector<LeftOut>& left_out) {
  std::vector<Utterance>& utterances = listing.utterances;
  std::vector<std::string> failures(utterances.size());
  const auto hash = [&](std::size_t i) {
    const fs::path& file = utterances[i].path;
    try {
      expect_regular_file(file);
      std::error_code error;
      if (fs::file_size(file, error) == 0 && !error) {
        failures[i] = file.string() + ": is empty (0 bytes)";
      } else {
        utterances[i].content = memo != nullptr ? memo->content(file) : hash_file(file);
      }
    } catch (const IoError& error) {
      failures[i] = error.what();
    }
  };
  constexpr std::size_t round = 64;  // files between two reports of progress
  observer.begin("read", static_cast<Index>(utterances.size()), "files");
  for (std::size_t begin = 0; begin < utterances.size(); begin += round) {
    const std::size_t end = std::min(begin + round, utterances.size());
    context.parallel(static_cast<Index>(end - begin),
                     [&](Index i) { hash(begin + static_cast<std::size_t>(i)); });
    observer.advance(static_cast<Index>(end));
  }
  observer.end();

  Examples bad;
  std::vector<Utterance> good;
  good.reserve(utterances.size());
  for (std::size_t i = 0; i < utterances.size(); ++i) {
    if (failures[i].empty()) {
      good.push_back(std::move(utterances[i]));
    } else {
      bad.add(failures[i]);
      left_out.push_back({utterances[i].id, utterances[i].path, failures[i]});
    }
  }
  // Nobody knows how many recordings a closed folder holds: one at least.
  Examples missing = bad;
  for (const fs::path& closed : listing.closed_folders) {
    const std::string reason = closed.string() + ": cannot be listed";
    missing.add(reason);
    left_out.push_back({closed.string(), closed, reason});
  }
  if (missing.count() > 0) {
    expect_few_bad(missing.count(), utterances.size() + listing.closed_folders.size(), max_bad,
                   fmt::format("cannot be read ({})", missing.text()));
  }
  if (bad.count() > 0) {
    listing.notes.push_back(fmt::format("{} cannot be read and {} left out: {}", files(bad.count()),
                                        is_are(bad.count()), bad.text()));
  }
  if (good.empty()) throw DataError(fmt::format("{}: no file can be read: {}", path, bad.text()));
  utterances = std::move(good);
}

/// What a corpus is called among several.
std::string name_of(const CorpusSource& source, const Listing& listing) {
  return source.title.empty() ? std::string(enum_name(listing.reader)) : source.title;
}

void expect_distinct(const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) == name) continue;
    throw ConfigError(
        fmt::format("corpus: two corpora are called '{}'; give one of them another title", *name));
  }
}

/// Makes the ids and speakers of one of several corpora its own, and its notes say whose they are.
void tell_apart(Listing& listing, const std::string& name) {
  std::set<std::string> speakers;
  for (Utterance& utterance : listing.utterances) {
    utterance.id.insert(0, name + '/');
    utterance.speaker.insert(0, name + '/');
    speakers.insert(utterance.speaker);
  }
  for (std::string& note : listing.notes) note.insert(0, name + ": ");
  listing.notes.insert(
      listing.notes.begin(),
      fmt::format("{}: {}, speakers: {}", name, files(listing.utterances.size()), speakers.size()));
}

/// A label that one corpus lacks can be told by the sound of the others' microphones.
void note_missing_labels(Corpus& corpus, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::set<std::string> missing(corpus.labels.begin(), corpus.labels.end());
    for (const auto& utterance : corpus.utterances) {
      if (utterance.fields.at("corpus") == name) missing.erase(utterance.label);
    }
    if (missing.empty()) continue;
    corpus.notes.push_back(fmt::format(
        "{} has no recording that is {}; corpus.labels can merge emotions or leave them out", name,
        fmt::join(in_class_order(missing), ", ")));
  }
}

}  // namespace

std::string reported_name(const Corpus& corpus, const CorpusOptions& options) {
  return options.more.empty() && !options.title.empty() ? options.title : corpus.name;
}

std::string reported_path(const CorpusOptions& options) {
  std::string paths = options.path;
  for (const CorpusSource& source : options.more) paths += ", " + source.path;
  return paths;
}

int Corpus::class_of(const Utterance& utterance) const {
  const auto found = std::find(labels.begin(), labels.end(), utterance.label);
  if (found == labels.end()) {
    throw DataError(fmt::format("{}: its label '{}' is none of the corpus's: {}", utterance.id,
                                utterance.label, fmt::join(labels, ", ")));
  }
  return static_cast<int>(found - labels.begin());
}

void expect_two_labels(const Corpus& corpus) {
  if (corpus.labels.size() >= 2) return;
  throw DataError(fmt::format(
      "all {} of the corpus are '{}': a network needs at least two labels to tell apart. Add "
      "recordings of others, or look at corpus.labels, which may merge them or leave them out",
      files(corpus.utterances.size()), fmt::join(corpus.labels, "', '")));
}

void expect_few_bad(std::size_t bad, std::size_t total, double max_bad, std::string_view what) {
  if (static_cast<double>(bad) <= max_bad * static_cast<double>(total)) return;
  throw DataError(fmt::format(
      "{} of {} recordings {}; more than corpus.max_bad ({}) of them, so something is wrong with "
      "the data set: get it again, or raise corpus.max_bad to go on without them",
      bad, total, what, shortest(max_bad)));
}

Corpus read_corpus(Context& context, const CorpusOptions& options, Observer& observer,
                   FileMemo* memo) {
  check_ranges(options);
  const std::vector<CorpusSource> sources = options.sources();
  std::vector<Listing> listings;
  std::vector<std::string> names;
  for (const CorpusSource& source : sources) {
    Listing& listing = listings.emplace_back(list_recordings(source));
    names.push_back(name_of(source, listing));
    map_labels(listing, source.labels, names.back());
  }
  const bool several = sources.size() > 1;
  if (several) expect_distinct(names);

  Corpus corpus;
  corpus.name = several ? fmt::format("{}", fmt::join(names, " + "))
                        : std::string(enum_name(listings.front().reader));
  corpus.duplicates_apart = options.duplicates == Duplicates::allow;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Listing& listing = listings[i];
    std::vector<LeftOut> left_out = std::move(listing.unlabelled);
    hash_contents(context, listing, sources[i].path, options.max_bad, memo, observer, left_out);
    for (LeftOut& each : left_out) {
      if (several) each.id.insert(0, names[i] + '/');
      corpus.left_out.push_back(std::move(each));
    }
    for (Utterance& utterance : listing.utterances) utterance.fields["corpus"] = names[i];
    if (several) tell_apart(listing, names[i]);
    corpus.notes.insert(corpus.notes.end(), listing.notes.begin(), listing.notes.end());
    std::move(listing.utterances.begin(), listing.utterances.end(),
              std::back_inserter(corpus.utterances));
  }
  resolve_duplicates(corpus.utterances, options.duplicates, corpus.notes, corpus.left_out);

  std::set<std::string> present;
  for (const auto& utterance : corpus.utterances) present.insert(utterance.label);
  corpus.labels = in_class_order(std::move(present));
  if (several) note_missing_labels(corpus, names);
  return corpus;
}

}  // namespace serenade
