#include "pipeline/experiment/split_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {

SplitTable read_split_table(const std::filesystem::path& path) {
  const std::string text = read_file(path, run_file::max_text_bytes), what = path.string();
  CsvReader reader(text, what);
  std::vector<std::string> cells;
  if (!reader.next(cells)) reader.fail("the file is empty");
  const auto column = [&](const char* name) {
    const auto found = std::find(cells.begin(), cells.end(), name);
    if (found == cells.end()) reader.fail(fmt::format("there is no column '{}'", name));
    return static_cast<std::size_t>(found - cells.begin());
  };
  const std::size_t width = cells.size(), id = column("id"), content = column("content"),
                    speaker = column("speaker"), label = column("label"), fold = column("fold"),
                    part = column("part");
  SplitTable table;
  while (reader.next(cells)) {
    if (cells.size() != width) reader.fail("another number of fields than the header has");
    const ContentHash hash = parse_content_hash(cells[content]);
    SplitTable::Fold& of = table.folds[cells[fold]];
    table.clips.emplace(hash, cells[id]);
    table.who[cells[id]] = cells[speaker] + " " + cells[label];
    if (cells[part] == "test") {
      of.test.emplace(hash, cells[id]);
      continue;
    }
    of.heard.emplace(hash, cells[id]);
    table.heard_speakers.insert(cells[speaker]);
    if (cells[part] == "training") ++table.trained[cells[label]];
  }
  return table;
}

}  // namespace serenade
