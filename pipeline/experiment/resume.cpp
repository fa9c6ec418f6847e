#include "pipeline/experiment/resume.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/support/files.h"

namespace serenade {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// "epochs: 2", without what the line of a nested key begins with.
std::string trimmed(const std::string& line) {
  const auto begin = line.find_first_not_of(' ');
  return begin == std::string::npos ? "" : line.substr(begin);
}

/// The first lines that differ: "seed: 7 has become seed: 8".
std::string differences(const std::string& before, const std::string& now) {
  constexpr std::size_t most = 4;
  const auto a = lines_of(before), b = lines_of(now);
  std::vector<std::string> found;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()) && found.size() < most; ++i) {
    const std::string was = i < a.size() ? trimmed(a[i]) : "nothing";
    const std::string is = i < b.size() ? trimmed(b[i]) : "nothing";
    if (was != is) found.push_back(fmt::format("'{}' has become '{}'", was, is));
    if (was != is && a.size() != b.size()) break;  // the rest is shifted
  }
  return fmt::format("{}", fmt::join(found, ", "));
}

void expect_same_epochs(const std::string& path, const ExperimentConfig& saved,
                        const ExperimentConfig& config) {
  ExperimentConfig allowed = saved;
  allowed.training.epochs = config.training.epochs;
  allowed.corpus.path = config.corpus.path;
  allowed.corpus.title = config.corpus.title;
  const std::string before = resolved_yaml(allowed), now = resolved_yaml(config);
  if (before != now) {
    throw DataError(fmt::format(
        "{}: this run cannot be resumed with another configuration: {}. Only training.epochs may "
        "be raised, and corpus.path and corpus.title may differ",
        path, differences(before, now)));
  }
  if (config.training.epochs < saved.training.epochs) {
    throw DataError(
        fmt::format("{}: this run was begun with training.epochs {}, which --resume can "
                    "raise but not lower to {}",
                    path, saved.training.epochs, config.training.epochs));
  }
  if (config.training.epochs == saved.training.epochs) return;
  if (const std::string planned = planned_over_epochs(saved.training); !planned.empty()) {
    throw DataError(
        fmt::format("{}: training.epochs cannot become {}: {} over all {} epochs, so that those "
                    "that are done would have been others",
                    path, config.training.epochs, planned, saved.training.epochs));
  }
}

}  // namespace

Resumption resume_run(const RunFolder& folder, const ExperimentConfig& config, Observer& observer) {
  const auto path = folder.file(run_file::config);
  if (folder.state() == RunFolder::State::empty || !std::filesystem::exists(path)) {
    throw DataError(fmt::format("{}: there is no run to resume; without --resume it begins",
                                folder.path().string()));
  }
  Resumption run{folder.state()};
  const std::string text = read_file(path, run_file::max_text_bytes);
  if (text != resolved_yaml(config)) {
    const ExperimentConfig saved = parse_experiment(text, path.string());
    expect_same_epochs(path.string(), saved, config);
    run.reopens =
        saved.training.epochs != config.training.epochs || run.state < RunFolder::State::trained;
    if (run.reopens) run.state = RunFolder::State::unfinished;
  }
  folder.remove_leftovers();
  if (run.state < RunFolder::State::trained && !folder.has_checkpoint()) {
    observer.note(fmt::format("{}: no epoch of this run was finished; it begins with the first",
                              folder.path().string()));
  }
  return run;
}

}  // namespace serenade
