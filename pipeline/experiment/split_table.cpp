#include "pipeline/experiment/split_table.h"

#include "pipeline/experiment/run_folder.h"
#include "pipeline/support/csv.h"
#include "pipeline/support/files.h"

namespace serenade {

SplitTable read_split_table(const std::filesystem::path& path) {
  const std::string text = read_file(path, run_file::max_text_bytes), what = path.string();
  CsvTable cells(text, what);
  const std::size_t id = cells.column("id"), content = cells.column("content"),
                    speaker = cells.column("speaker"), label = cells.column("label"),
                    fold = cells.column("fold"), part = cells.column("part");
  SplitTable table;
  while (cells.next()) {
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
