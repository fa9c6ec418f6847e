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

void expect_columns(const CsvTable& table) {
  const std::vector<std::string>& names = table.names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) table.fail(fmt::format("column {} has no name", i + 1));
    if (names[i] == "corpus") table.fail("the column 'corpus' is set by the program; rename it");
    table.find(names[i]);  // fails where it stands there twice
  }
  for (const char* needed : {"file", "speaker", "emotion"}) {
    if (table.find(needed)) continue;
    table.fail(
        fmt::format("the column '{}' is missing; there are: {}{}. The first line names the "
                    "columns, with commas between them",
                    needed, fmt::join(names, ", "), did_you_mean(needed, names)));
  }
}

/// Of the line at which the table is.
ManifestEntry entry_of(const CsvTable& table) {
  ManifestEntry entry;
  entry.line = table.line();
  for (std::size_t i = 0; i < table.names().size(); ++i) {
    const std::string &name = table.names()[i], &value = table[i];
    if (value.find('\0') != std::string::npos) table.fail("a zero byte");
    if (name == "file") {
      entry.file = value;
    } else if (name == "speaker") {
      entry.speaker = value;
    } else if (name == "emotion") {
      entry.emotion = value;
    } else if (!value.empty()) {
      entry.fields.emplace(name, value);
    }
  }
  if (entry.file.empty()) table.fail("no file is named");
  if (entry.speaker.empty()) {
    table.fail(
        fmt::format("{}: the speaker is empty; where nobody knows, give every recording a "
                    "speaker of its own",
                    entry.file));
  }
  return entry;
}

}  // namespace

std::vector<ManifestEntry> parse_manifest(std::string_view text, std::string_view what) {
  expect_utf8(without_byte_order_mark(text, what), what);
  CsvTable table(text, what);
  expect_columns(table);

  std::vector<ManifestEntry> entries;
  std::map<std::string, std::size_t> lines;
  while (table.next()) {
    ManifestEntry entry = entry_of(table);
    const auto [first, is_new] = lines.emplace(plain_path(entry.file), entry.line);
    if (!is_new) {
      table.fail(fmt::format("{} stands on line {} already", entry.file, first->second));
    }
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
