#include "pipeline/corpus/corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/corpus/duplicates.h"
#include "pipeline/corpus/emotions.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/corpus/listing.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Fills in the content hashes; leaves out files that cannot be read or are empty.
void hash_contents(Context& context, std::vector<Utterance>& utterances,
                   const CorpusOptions& options, FileMemo* memo, Observer& observer,
                   std::vector<std::string>& notes) {
  std::vector<std::string> failures(utterances.size());
  const auto hash = [&](std::size_t i) {
    try {
      std::error_code error;
      if (fs::file_size(utterances[i].path, error) == 0 && !error) {
        failures[i] = utterances[i].path.string() + ": is empty (0 bytes)";
      } else {
        const fs::path& path = utterances[i].path;
        utterances[i].content = memo != nullptr ? memo->content(path) : hash_file(path);
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
    }
  }
  if (bad.count() > 0) {
    expect_few_bad(bad.count(), utterances.size(), options.max_bad,
                   fmt::format("cannot be read ({})", bad.text()));
    notes.push_back(fmt::format("{} cannot be read and {} left out: {}", files(bad.count()),
                                is_are(bad.count()), bad.text()));
  }
  if (good.empty()) throw DataError(fmt::format("{}: no file can be read", options.path));
  utterances = std::move(good);
}

}  // namespace

int Corpus::class_of(const Utterance& utterance) const {
  const auto found = std::find(labels.begin(), labels.end(), utterance.label);
  if (found == labels.end()) {
    throw DataError(fmt::format("{}: its label '{}' is none of the corpus's: {}", utterance.id,
                                utterance.label, fmt::join(labels, ", ")));
  }
  return static_cast<int>(found - labels.begin());
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
  Listing listing = list_recordings(options);

  Corpus corpus;
  corpus.name = enum_name(listing.reader);
  corpus.duplicates_apart = options.duplicates == Duplicates::allow;
  corpus.notes = std::move(listing.notes);
  hash_contents(context, listing.utterances, options, memo, observer, corpus.notes);
  resolve_duplicates(listing.utterances, options.duplicates, corpus.notes);
  corpus.utterances = std::move(listing.utterances);

  std::set<std::string> present;
  for (const auto& utterance : corpus.utterances) present.insert(utterance.label);
  corpus.labels = in_class_order(std::move(present));
  return corpus;
}

}  // namespace serenade
