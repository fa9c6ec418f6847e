#include "pipeline/experiment/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "kernels/device/error.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view fold_prefix = "fold-";

/// Number K of a folder named fold-K; 0 for any other.
int fold_number(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(fold_prefix) || name.size() > fold_prefix.size() + 4) return 0;
  int number = 0;
  for (const char c : name.substr(fold_prefix.size())) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::vector<fs::path> fold_folders(const fs::path& run) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run, ignored)) {
    if (entry.is_directory() && fold_number(entry.path()) > 0) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end(),
            [](const fs::path& a, const fs::path& b) { return fold_number(a) < fold_number(b); });
  return folders;
}

}  // namespace

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder folder(path);
  if (!fs::is_directory(path)) {
    throw DataError(fmt::format(
        "{}: no such run folder; `serenade run CONFIG` makes one under runs/", path.string()));
  }
  if (folder.trained_folds().empty()) {
    throw DataError(fmt::format("{}: no trained model in this folder ({} is missing)",
                                path.string(), run_file::best_model));
  }
  return folder;
}

RunFolder RunFolder::fold(std::size_t index, std::size_t folds) const {
  if (folds == 1) return *this;
  return RunFolder(path_ / fmt::format("{}{}", fold_prefix, index + 1));
}

std::vector<RunFolder> RunFolder::trained_folds() const {
  std::vector<RunFolder> folds;
  if (fs::exists(file(run_file::best_model))) folds.push_back(*this);
  for (const fs::path& folder : fold_folders(path_)) {
    if (fs::exists(folder / run_file::best_model)) folds.emplace_back(folder);
  }
  return folds;
}

RunFolder::State RunFolder::state() const {
  if (fs::exists(file(run_file::metrics))) return State::finished;
  if (fs::exists(file(run_file::environment))) return State::trained;
  return fs::exists(file(run_file::config)) ? State::unfinished : State::empty;
}

void RunFolder::clear() const {
  std::error_code failure;
  fs::create_directories(path_, failure);
  if (failure) {
    throw IoError(
        fmt::format("{}: cannot make the run folder: {}", path_.string(), failure.message()));
  }
  const auto remove_files = [](const fs::path& folder) {
    for (const auto name :
         {run_file::metrics, run_file::config, run_file::environment, run_file::split,
          run_file::epochs, run_file::best_model, run_file::last_model, run_file::predictions,
          run_file::report, run_file::log}) {
      fs::remove(folder / name);
    }
  };
  // metrics.json goes first: a run that is half cleared must not look finished.
  remove_files(path_);
  for (const fs::path& folder : fold_folders(path_)) {
    remove_files(folder);
    if (fs::is_empty(folder)) fs::remove(folder);
  }
}

}  // namespace serenade
