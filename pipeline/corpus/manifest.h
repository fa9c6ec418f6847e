#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/corpus/listing.h"

namespace serenade {

/// A line of a manifest.
struct ManifestEntry {
  std::string file;  ///< as written: absolute, or relative to the manifest's folder
  std::string speaker;
  std::string emotion;                        ///< empty: not labelled
  std::map<std::string, std::string> fields;  ///< the other columns, but for empty values
  std::size_t line = 0;
};

/// Largest manifest that is read.
inline constexpr std::size_t max_manifest_bytes = std::size_t{1} << 26U;

/// Reads the text of a manifest: CSV (RFC 4180, UTF-8, with or without a byte order mark, lines
/// ending in \n or \r\n) whose first line names the columns, `file`, `speaker` and `emotion` among
/// them in any order. Empty lines are passed over. `what` begins the messages.
///
/// Throws DataError naming the line where the text is not well formed: a column missing (naming the
/// nearest), without a name or twice, a line with more or fewer values than columns, no file or
/// speaker in it, a file listed twice, a byte that is not UTF-8.
std::vector<ManifestEntry> parse_manifest(std::string_view text, std::string_view what);

/// The recordings of a manifest. Ids are the files as written (without "./" and the like), so that
/// they do not depend on where the manifest lies; emotions are taken as they are. A recording
/// without an emotion is left out with a note; whether files exist is not looked at here.
///
/// Throws IoError where the file cannot be read or is longer than max_manifest_bytes, DataError as
/// parse_manifest and where no recording is listed.
Listing list_manifest(const std::filesystem::path& path);

inline constexpr std::string_view manifest_help =
    "a CSV file with the header file,speaker,emotion as corpus.path";

}  // namespace serenade
