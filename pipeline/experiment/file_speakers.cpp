#include "pipeline/experiment/file_speakers.h"

#include <fmt/format.h>

#include <map>

#include "kernels/device/error.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_table_bytes = std::size_t{1} << 26U;

/// One name for a file, however it is written.
fs::path settled(const fs::path& path) {
  std::error_code unknown;
  const fs::path canonical = fs::weakly_canonical(path, unknown);
  return unknown ? path.lexically_normal() : canonical;
}

std::map<fs::path, std::string> read_table(const fs::path& path) {
  const std::string text = read_file(path, max_table_bytes), what = path.string();
  CsvTable table(text, what);
  const std::size_t file = table.column("file"), speaker = table.column("speaker");
  std::map<fs::path, std::string> speakers;
  while (table.next()) {
    if (table[file].empty() || table[speaker].empty()) table.fail("no file or no speaker in it");
    const auto [at, added] =
        speakers.emplace(settled(path.parent_path() / table[file]), table[speaker]);
    if (!added && at->second != table[speaker]) {
      table.fail(fmt::format("'{}' has another speaker above, '{}'", table[file], at->second));
    }
  }
  return speakers;
}

}  // namespace

std::vector<std::string> speakers_of(const std::vector<fs::path>& files, const std::string& how) {
  std::vector<std::string> speakers;
  speakers.reserve(files.size());
  if (how == "one" || how == "file" || how == "folder") {
    for (const fs::path& file : files) {
      const fs::path whole = how == "one" ? fs::path() : settled(file);
      speakers.push_back(how == "folder" ? whole.parent_path().string() : whole.string());
    }
    return speakers;
  }
  if (!fs::exists(how)) {
    throw DataError(
        fmt::format("--speaker {}: is neither one, folder or file nor a file that is "
                    "there",
                    how));
  }
  const std::map<fs::path, std::string> table = read_table(how);
  for (const fs::path& file : files) {
    const auto found = table.find(settled(file));
    if (found == table.end()) {
      throw DataError(
          fmt::format("{}: says nothing of {}; add a line with its speaker", how, file.string()));
    }
    speakers.push_back(found->second);
  }
  return speakers;
}

}  // namespace serenade
