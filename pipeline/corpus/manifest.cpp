#include "pipeline/corpus/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/corpus/examples.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"
#include "pipeline/support/nearest.h"
#include "pipeline/support/utf8.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

std::string plain_path(const std::string& file) {
  return fs::path(file).lexically_normal().generic_string();
}

/// Names of speakers, emotions and columns go into results, which are UTF-8; which other encoding a
/// manifest has cannot be told.
void expect_utf8(std::string_view text, std::string_view what) {
  const std::string_view bad = from_first_bad_byte(text);
  if (bad.empty()) return;
  const auto before = text.substr(0, text.size() - bad.size());
  throw DataError(fmt::format("{}, line {}: byte \\x{:02x} is not UTF-8; save it as UTF-8", what,
                              1 + std::count(before.begin(), before.end(), '\n'),
                              static_cast<unsigned char>(bad.front())));
}

class Columns {
 public:
  Columns(std::vector<std::string> names, const CsvReader& reader) : names_(std::move(names)) {
    for (auto name = names_.begin(); name != names_.end(); ++name) {
      if (name->empty())
        reader.fail(fmt::format("column {} has no name", name - names_.begin() + 1));
      if (*name == "corpus") reader.fail("the column 'corpus' is set by the program; rename it");
      if (std::find(names_.begin(), name, *name) != name) {
        reader.fail(fmt::format("the column '{}' stands there twice", *name));
      }
    }
    for (const char* needed : {"file", "speaker", "emotion"}) {
      if (std::find(names_.begin(), names_.end(), needed) != names_.end()) continue;
      reader.fail(
          fmt::format("the column '{}' is missing; there are: {}{}. The first line names the "
                      "columns, with commas between them",
                      needed, fmt::join(names_, ", "), did_you_mean(needed, names_)));
    }
  }

  ManifestEntry entry(const std::vector<std::string>& values, const CsvReader& reader) const {
    if (values.size() != names_.size()) {
      reader.fail(fmt::format("{} values for {} columns", values.size(), names_.size()));
    }
    ManifestEntry entry;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].find('\0') != std::string::npos) reader.fail("a zero byte");
      if (names_[i] == "file") {
        entry.file = values[i];
      } else if (names_[i] == "speaker") {
        entry.speaker = values[i];
      } else if (names_[i] == "emotion") {
        entry.emotion = values[i];
      } else if (!values[i].empty()) {
        entry.fields.emplace(names_[i], values[i]);
      }
    }
    if (entry.file.empty()) reader.fail("no file is named");
    if (entry.speaker.empty()) {
      reader.fail(
          fmt::format("{}: the speaker is empty; where nobody knows, give every recording a "
                      "speaker of its own",
                      entry.file));
    }
    return entry;
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace

std::vector<ManifestEntry> parse_manifest(std::string_view text, std::string_view what) {
  text = without_byte_order_mark(text, what);
  expect_utf8(text, what);
  CsvReader reader(text, what);
  std::vector<std::string> values;
  if (!reader.next_filled(values)) throw DataError(fmt::format("{}: is empty", what));
  const Columns columns(values, reader);

  std::vector<ManifestEntry> entries;
  std::map<std::string, std::size_t> lines;
  while (reader.next_filled(values)) {
    ManifestEntry entry = columns.entry(values, reader);
    entry.line = reader.line();
    const auto [first, is_new] = lines.emplace(plain_path(entry.file), entry.line);
    if (!is_new)
      reader.fail(fmt::format("{} stands on line {} already", entry.file, first->second));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Listing list_manifest(const fs::path& path) {
  const std::string text = read_file(path, max_manifest_bytes);
  Listing listing{Reader::csv, {}, {}, {}};
  Examples unlabelled;
  for (ManifestEntry& entry : parse_manifest(text, path.string())) {
    fs::path recording = (path.parent_path() / entry.file).lexically_normal();
    if (entry.emotion.empty()) {
      unlabelled.add(fmt::format("{} on line {}", entry.file, entry.line));
      listing.unlabelled.push_back({plain_path(entry.file), recording,
                                    fmt::format("{}: has no emotion on line {} of {}",
                                                recording.string(), entry.line, path.string()),
                                    LeftOut::Cause::unlabelled});
      continue;
    }
    entry.fields["emotion"] = entry.emotion;
    listing.utterances.push_back({plain_path(entry.file),
                                  std::move(recording),
                                  {},
                                  std::move(entry.speaker),
                                  std::move(entry.emotion),
                                  std::move(entry.fields)});
  }
  if (unlabelled.count() > 0) {
    listing.notes.push_back(fmt::format("{} without an emotion {} left out: {}",
                                        files(unlabelled.count()), is_are(unlabelled.count()),
                                        unlabelled.text()));
  }
  if (listing.utterances.empty()) {
    throw DataError(fmt::format("{}: lists no recording with an emotion", path.string()));
  }
  return listing;
}

}  // namespace serenade
