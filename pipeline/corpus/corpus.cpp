#include "pipeline/corpus/corpus.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/corpus/duplicates.h"
#include "pipeline/corpus/find_files.h"
#include "pipeline/corpus/ravdess.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Paths counted, and the first few kept to show.
class Examples {
 public:
  void add(const std::string& text) {
    constexpr std::size_t shown = 3;
    if (++count_ <= shown) text_ += (text_.empty() ? "" : ", ") + text;
    if (count_ == shown + 1) text_ += ", ...";
  }
  std::size_t count() const { return count_; }
  const std::string& text() const { return text_; }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

/// "1 file", "2 files".
std::string files(std::size_t count) {
  return fmt::format("{} file{}", count, count == 1 ? "" : "s");
}
std::string is_are(std::size_t count) { return count == 1 ? "is" : "are"; }

/// The recordings that a reader understood, before their bytes were looked at.
struct Listing {
  std::vector<Utterance> utterances;
  std::vector<std::string> notes;
};

Listing list_ravdess(const fs::path& folder, const FoundFiles& found, Channel channel) {
  Listing listing;
  Examples unknown;
  Examples from_video;
  std::array<std::size_t, 2> left_out{};
  for (const auto& path : found.sounds) {
    const std::string stem = path.stem().string();
    const auto name = parse_ravdess_name(stem);
    if (!name) {
      unknown.add(path.filename().string());
      continue;
    }
    constexpr int audio_only = 3;
    if (name->modality != audio_only) {
      from_video.add(path.filename().string());
      continue;
    }
    const bool wanted =
        channel == Channel::both || name->channel == (channel == Channel::speech ? 1 : 2);
    if (!wanted) {
      ++left_out.at(static_cast<std::size_t>(name->channel - 1));
      continue;
    }
    auto fields = ravdess_fields(*name);
    listing.utterances.push_back(
        {stem, path, {}, fields.at("actor"), fields.at("emotion"), std::move(fields)});
  }

  auto& notes = listing.notes;
  for (std::size_t i = 0; i < left_out.size(); ++i) {
    if (left_out[i] == 0) continue;
    notes.push_back(fmt::format("{} of {} {} left out (corpus.channel is {})", files(left_out[i]),
                                i == 0 ? "speech" : "song", is_are(left_out[i]),
                                enum_name(channel)));
  }
  if (from_video.count() > 0) {
    notes.push_back(fmt::format(
        "{} of modality 01 or 02 {} skipped, because sound taken from the videos repeats that of "
        "the audio-only files (03): {}",
        files(from_video.count()), is_are(from_video.count()), from_video.text()));
  }
  if (unknown.count() > 0) {
    notes.push_back(fmt::format("{} {} skipped, because the name says nothing ({}); {}",
                                files(unknown.count()), is_are(unknown.count()), unknown.text(),
                                ravdess_name_help()));
  }
  if (!found.videos.empty()) {
    notes.push_back(
        fmt::format("{} .mp4 {} of the full release skipped: this program reads sound, and theirs "
                    "is that of the "
                    "audio-only files",
                    found.videos.size(), found.videos.size() == 1 ? "file" : "files"));
  }
  if (listing.utterances.empty()) {
    std::string text = fmt::format("{}: no RAVDESS recording in it or below it (", folder.string());
    text += fmt::format("{} with a sound's extension, {} others)", files(found.sounds.size()),
                        found.videos.size() + found.others);
    for (const auto& note : notes) text += "; " + note;
    if (unknown.count() == 0) text += "; " + ravdess_name_help();
    throw DataError(text);
  }
  return listing;
}

/// Fills in the content hashes; leaves out files that cannot be read or are empty.
void hash_contents(Context& context, std::vector<Utterance>& utterances,
                   const CorpusOptions& options, Observer& observer,
                   std::vector<std::string>& notes) {
  std::vector<std::string> failures(utterances.size());
  const auto hash = [&](std::size_t i) {
    try {
      std::error_code error;
      if (fs::file_size(utterances[i].path, error) == 0 && !error) {
        failures[i] = utterances[i].path.string() + ": is empty (0 bytes)";
      } else {
        utterances[i].content = hash_file(utterances[i].path);
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

Corpus read_corpus(Context& context, const CorpusOptions& options, Observer& observer) {
  check_ranges(options);
  if (options.path.empty()) {
    throw ConfigError("corpus.path is not set: it names the folder of the recordings");
  }
  const fs::path folder(options.path);
  const FoundFiles found = find_files(folder);
  // Reader::automatic has one reader to choose from.
  Listing listing = list_ravdess(folder, found, options.channel);

  Corpus corpus;
  corpus.name = "ravdess";
  corpus.duplicates_apart = options.duplicates == Duplicates::allow;
  corpus.notes = std::move(listing.notes);
  for (const auto& closed : found.closed_folders) {
    corpus.notes.push_back(fmt::format("{}: cannot be listed and is left out", closed.string()));
  }
  hash_contents(context, listing.utterances, options, observer, corpus.notes);
  resolve_duplicates(listing.utterances, options.duplicates, corpus.notes);
  corpus.utterances = std::move(listing.utterances);

  std::set<std::string> present;
  for (const auto& utterance : corpus.utterances) present.insert(utterance.label);
  for (const auto emotion : ravdess_emotions) {
    if (present.contains(std::string(emotion))) corpus.labels.emplace_back(emotion);
  }
  return corpus;
}

}  // namespace serenade
