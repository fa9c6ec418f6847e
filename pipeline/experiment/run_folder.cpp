#include "pipeline/experiment/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"
#include "pipeline/support/parse_number.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;

/// Number K of a folder named fold-K (or seed-K); nothing for any other.
std::optional<std::uint64_t> number_of(const fs::path& path, std::string_view prefix) {
  const std::string name = path.filename().string();
  if (!name.starts_with(prefix)) return std::nullopt;
  return parse_number<std::uint64_t>(std::string_view(name).substr(prefix.size()));
}

/// The folders in `parent` that are named by a number behind the prefix, in its order.
std::vector<fs::path> numbered_folders(const fs::path& parent, std::string_view prefix) {
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const auto number = number_of(entry.path(), prefix);
    if (number && entry.is_directory()) found.emplace_back(*number, entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> folders;
  folders.reserve(found.size());
  for (auto& [number, path] : found) folders.push_back(std::move(path));
  return folders;
}

/// The folders of a run's networks, the inner ones first; not the run's own.
std::vector<fs::path> member_folders(const fs::path& run) {
  std::vector<fs::path> folders = numbered_folders(run, "seed-");
  for (fs::path& fold : numbered_folders(run, "fold-")) {
    std::ranges::move(numbered_folders(fold, "seed-"), std::back_inserter(folders));
    folders.push_back(std::move(fold));
  }
  return folders;
}

/// The results on other corpora, on-CORPUS.
std::vector<fs::path> foreign_folders(const fs::path& run) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(run, ignored)) {
    if (entry.path().filename().string().starts_with(run_file::other_corpus) &&
        entry.is_directory()) {
      folders.push_back(entry.path());
    }
  }
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
  if (fs::exists(folder.file(run_file::ensemble))) return folder;
  if (folder.trained_members().empty()) {
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

RunFolder RunFolder::seed(std::uint64_t seed, std::size_t seeds) const {
  if (seeds == 1) return *this;
  return RunFolder(path_ / fmt::format("seed-{}", seed));
}

std::vector<RunFolder> RunFolder::trained_members() const {
  std::vector<RunFolder> members;
  if (fs::exists(file(run_file::best_model))) members.push_back(*this);
  for (const fs::path& folder : member_folders(path_)) {
    if (fs::exists(folder / run_file::best_model)) members.emplace_back(folder);
  }
  return members;
}

std::size_t RunFolder::epochs_done() const {
  std::vector<fs::path> folders = member_folders(path_);
  folders.push_back(path_);
  std::size_t epochs = 0;
  for (const fs::path& folder : folders) {
    const fs::path path = folder / run_file::epochs;
    if (!fs::exists(path)) continue;
    const std::string text = read_file(path, run_file::max_text_bytes);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    epochs += lines > 0 ? lines - 1 : 0;  // the header
  }
  return epochs;
}

bool RunFolder::has_checkpoint() const {
  const auto has = [](const fs::path& folder) { return fs::exists(folder / run_file::last_model); };
  const auto folders = member_folders(path_);
  return has(path_) || std::any_of(folders.begin(), folders.end(), has);
}

RunFolder::State RunFolder::state() const {
  const auto is_written = [&](std::string_view name) {
    std::error_code absent;
    const auto bytes = fs::file_size(file(name), absent);
    return !absent && bytes > 0;
  };
  if (is_written(run_file::metrics) && is_written(run_file::predictions) &&
      is_written(run_file::report)) {
    return State::finished;
  }
  if (fs::exists(file(run_file::environment)) || fs::exists(file(run_file::ensemble))) {
    return State::trained;
  }
  return fs::exists(file(run_file::config)) ? State::unfinished : State::empty;
}

void RunFolder::make() const { make_folders(path_); }

void RunFolder::clear() const {
  // A run that is half cleared must not look finished, nor another run's files like this one's: the
  // configuration goes last, and what says how far a run came goes first.
  drop_training();
  remove_file(file(run_file::log));
  remove_file(file(run_file::ensemble));
  remove_file(file(run_file::config));
}

void RunFolder::drop_training() const {
  reopen();
  remove_leftovers();
  const auto remove_files = [](const fs::path& folder) {
    for (const auto name : {run_file::split, run_file::last_model, run_file::epochs}) {
      remove_file(folder / name);
    }
  };
  remove_files(path_);
  for (const fs::path& folder : member_folders(path_)) {
    remove_files(folder);
    std::error_code ignored;
    fs::remove(folder, ignored);  // it stays where it holds something else
  }
}

void RunFolder::reopen() const {
  std::vector<fs::path> folders = member_folders(path_);
  std::ranges::move(foreign_folders(path_), std::back_inserter(folders));
  folders.insert(folders.begin(), path_);
  for (const auto name :
       {run_file::metrics, run_file::environment, run_file::best_model, run_file::predictions,
        run_file::report, run_file::crossval_csv, run_file::crossval_json}) {
    for (const fs::path& folder : folders) remove_file(folder / name);
  }
  for (const fs::path& folder : foreign_folders(path_)) {
    std::error_code ignored;
    fs::remove(folder, ignored);  // it stays where it holds something else
  }
}

void RunFolder::remove_leftovers() const {
  std::vector<fs::path> folders = member_folders(path_);
  folders.push_back(path_);
  for (const fs::path& folder : folders) {
    std::vector<fs::path> leftovers;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (!unfinished_name(entry.path().filename().string()).empty()) {
        leftovers.push_back(entry.path());
      }
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
