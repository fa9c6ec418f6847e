#include "pipeline/corpus/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "kernels/device/error.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/corpus/find_files.h"
#include "pipeline/corpus/manifest.h"
#include "pipeline/corpus/name_parts.h"
#include "pipeline/corpus/name_reader.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

std::optional<Recording> read_name(const NameReader& reader, const fs::path& path) {
  return reader.read(path.parent_path().filename().native(), path.stem().native());
}

/// "12 files with a sound's extension, 3 others".
std::string found_text(const FoundFiles& found) {
  return fmt::format("{} with a sound's extension, {} others", files(found.sounds.size()),
                     found.videos.size() + found.others);
}

const NameReader* named(Reader wanted) {
  const auto readers = name_readers();
  const auto reader = std::find_if(readers.begin(), readers.end(),
                                   [&](const NameReader& one) { return one.reader == wanted; });
  return reader == readers.end() ? nullptr : &*reader;
}

fs::path manifest_in(const fs::path& folder) { return folder / "manifest.csv"; }

/// The lines of a folder's own manifest; nothing where it has none or another kind of table.
std::optional<std::size_t> manifest_lines(const fs::path& folder) {
  if (!fs::exists(manifest_in(folder))) return std::nullopt;
  try {
    return list_manifest(manifest_in(folder)).utterances.size();
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The reader that understands most of the files: csv or one of those of names.
Reader recognise(const fs::path& folder, const FoundFiles& found) {
  std::vector<Reader> readers;
  std::vector<std::size_t> counts;
  std::string understood;
  const auto count = [&](Reader reader, std::size_t number) {
    readers.push_back(reader);
    counts.push_back(number);
    understood += fmt::format("{}{} {}", understood.empty() ? "" : ", ", enum_name(reader), number);
  };
  for (const NameReader& reader : name_readers()) {
    const auto names =
        std::count_if(found.sounds.begin(), found.sounds.end(),
                      [&](const fs::path& path) { return read_name(reader, path).has_value(); });
    count(reader.reader, static_cast<std::size_t>(names));
  }
  if (const auto lines = manifest_lines(folder)) count(Reader::csv, *lines);

  const auto most = std::max_element(counts.begin(), counts.end());
  if (*most == 0) {
    std::string help;
    for (const NameReader& reader : name_readers()) {
      help += fmt::format("; {}: {}", reader.title, reader.help);
    }
    throw DataError(fmt::format(
        "{}: no recording of a known data set in it or below it ({}; {}). Names look like this{}; "
        "recordings with other names need a manifest: {}",
        folder.string(), found_text(found), understood, help, manifest_help));
  }
  if (std::count(counts.begin(), counts.end(), *most) > 1) {
    throw DataError(
        fmt::format("{}: readers understand equally many of its files ({}: {}); say which is right "
                    "with corpus.reader",
                    folder.string(), found_text(found), understood));
  }
  return readers[static_cast<std::size_t>(most - counts.begin())];
}

/// Why a recording that was understood is not used; nothing for those that are. Only RAVDESS has
/// modalities and channels to choose from.
std::string left_out(const Recording& recording, Channel channel) {
  const auto& fields = recording.fields;
  if (const auto modality = fields.find("modality");
      modality != fields.end() && modality->second != "audio-only") {
    return "sound taken from the videos (modality 01 or 02) repeats that of the audio-only files "
           "(03)";
  }
  if (const auto what = fields.find("channel");
      what != fields.end() && channel != Channel::both && what->second != enum_name(channel)) {
    return fmt::format("of {}, and corpus.channel is {}", what->second, enum_name(channel));
  }
  return "";
}

Listing list_named(const NameReader& reader, const fs::path& folder, const FoundFiles& found,
                   Channel channel) {
  Listing listing{reader.reader, reader.emotions, {}, {}};
  Examples unknown;
  std::map<std::string, Examples> passed_over;
  for (const auto& path : found.sounds) {
    auto recording = read_name(reader, path);
    if (!recording) {
      unknown.add(path.filename().string());
      listing.unlabelled.push_back(
          {path.stem().string(), path,
           fmt::format("{}: its name is none of {}", path.string(), reader.title),
           LeftOut::Cause::unlabelled});
      continue;
    }
    if (const std::string reason = left_out(*recording, channel); !reason.empty()) {
      passed_over[reason].add(path.filename().string());
      continue;
    }
    listing.utterances.push_back({std::move(recording->id),
                                  path,
                                  {},
                                  std::move(recording->speaker),
                                  std::move(recording->label),
                                  std::move(recording->fields)});
  }

  auto& notes = listing.notes;
  for (const auto& [reason, some] : passed_over) {
    notes.push_back(fmt::format("{} {} left out: {} ({})", files(some.count()),
                                is_are(some.count()), reason, some.text()));
  }
  if (unknown.count() > 0) {
    notes.push_back(
        fmt::format("{} {} left out, because the name is none of {} ({}); a name looks like {}",
                    files(unknown.count()), is_are(unknown.count()), reader.title, unknown.text(),
                    reader.help));
  }
  if (!found.videos.empty()) {
    notes.push_back(fmt::format("{} of .mp4 {} left out: this program reads sound",
                                files(found.videos.size()), is_are(found.videos.size())));
  }
  if (!found.odd.empty()) {
    Examples odd;
    for (const auto& path : found.odd) odd.add(path.filename().string());
    notes.push_back(
        fmt::format("{} named like a sound {} no file but a pipe, a device or a folder: {}",
                    odd.count(), is_are(odd.count()), odd.text()));
  }
  for (const auto& closed : found.closed_folders) {
    notes.push_back(fmt::format("{}: cannot be listed and is left out", closed.string()));
  }
  listing.closed_folders = found.closed_folders;
  if (listing.utterances.empty()) {
    std::string text = fmt::format("{}: no {} recording to use in it or below it ({}",
                                   folder.string(), reader.title, found_text(found));
    for (const auto& note : notes) text += "; " + note;
    if (unknown.count() == 0) text += fmt::format("; a name looks like {}", reader.help);
    throw DataError(text + ")");
  }
  return listing;
}

bool is_manifest_name(const fs::path& path) {
  return in_lower_case(path.extension().native()) == ".csv" && !fs::is_directory(path);
}

}  // namespace

Listing list_recordings(const CorpusSource& source) {
  if (source.path.empty()) {
    throw ConfigError(
        "corpus.path is not set: it names the folder of the recordings, or a CSV manifest");
  }
  const fs::path path(source.path);
  if (is_manifest_name(path)) {
    if (source.reader == Reader::automatic || source.reader == Reader::csv) {
      return list_manifest(path);
    }
    throw ConfigError(
        fmt::format("corpus.reader {} reads the names in a folder, and {} is a "
                    "manifest; leave corpus.reader out",
                    enum_name(source.reader), path.string()));
  }
  std::error_code unknown;
  if (!fs::exists(path, unknown)) {
    throw IoError(fmt::format(
        "{}: no such folder; corpus.path is to name that of the recordings, or a CSV manifest",
        path.string()));
  }
  const FoundFiles found = find_files(path);
  const Reader chosen = source.reader == Reader::automatic ? recognise(path, found) : source.reader;
  if (chosen == Reader::csv) return list_manifest(manifest_in(path));
  const NameReader* reader = named(chosen);
  if (reader == nullptr) {
    throw ConfigError(fmt::format("corpus.reader {} reads no names", enum_name(chosen)));
  }
  return list_named(*reader, path, found, source.channel);
}

}  // namespace serenade
