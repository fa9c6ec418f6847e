#include "pipeline/experiment/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

void remove_file(const fs::path& path) {
  std::error_code failure;
  fs::remove(path, failure);
  if (failure) throw IoError(fmt::format("{}: {}", path.string(), failure.message()));
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
  if (folder.state() == State::unfinished) {
    throw DataError(fmt::format("{}: its training is not finished; `serenade run {}` goes on",
                                path.string(), folder.file(run_file::config).string()));
  }
  return folder;
}

RunFolder RunFolder::fold(const std::string& name, std::size_t folds) const {
  if (folds == 1) return *this;
  return RunFolder(path_ / name);
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

void RunFolder::make() const {
  std::error_code failure;
  fs::create_directories(path_, failure);
  if (!failure) return;
  throw IoError(
      fmt::format("{}: cannot make the run folder: {}", path_.string(), failure.message()));
}

void RunFolder::clear() const {
  // A run that is half cleared must not look finished, nor another run's files like this one's: the
  // configuration goes last, and what says how far a run came goes first.
  for (const fs::path& folder : fold_folders(path_)) {
    remove_file(folder / run_file::metrics);
  }
  const auto remove_files = [](const fs::path& folder) {
    for (const auto name : {run_file::metrics, run_file::environment, run_file::split,
                            run_file::last_model, run_file::best_model, run_file::epochs,
                            run_file::predictions, run_file::report, run_file::log}) {
      remove_file(folder / name);
    }
  };
  remove_leftovers();
  remove_files(path_);
  for (const fs::path& folder : fold_folders(path_)) {
    remove_files(folder);
    std::error_code ignored;
    fs::remove(folder, ignored);  // it stays where it holds something else
  }
  remove_file(file(run_file::config));
}

void RunFolder::remove_leftovers() const {
  std::vector<fs::path> folders = fold_folders(path_);
  folders.push_back(path_);
  for (const fs::path& folder : folders) {
    std::vector<fs::path> leftovers;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension().string().starts_with(".tmp-")) leftovers.push_back(entry.path());
    }
    for (const fs::path& path : leftovers) remove_file(path);
  }
}

RunLock::RunLock(const RunFolder& folder)
    : fd_(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (fd_ < 0) {
    throw IoError(fmt::format("{}: {}", folder.path().string(), std::strerror(errno)));
  }
  // A file system without locks says something else, and is used without.
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(fd_);
  throw IoError(
      fmt::format("{}: another program is writing this run; wait until it is done or give this "
                  "one another name (name=...)",
                  folder.path().string()));
}

RunLock::~RunLock() { ::close(fd_); }

}  // namespace serenade
