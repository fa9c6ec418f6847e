#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/device/error.h"
#include "pipeline/experiment/experiment.h"
#include "pipeline/experiment/predict.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade::test {

/// Hears what a user would read; may end the work as an interruption would, when so much of a task
/// is done.
class Listener : public Observer {
 public:
  struct Interruption {};

  void begin(std::string_view task, Index, std::string_view) override { tasks.emplace_back(task); }
  void advance(Index done, double, std::string_view) override {
    if (!tasks.empty() && tasks.back() == interrupted_task && done >= interrupted_after) {
      throw Interruption{};
    }
  }
  void note(std::string_view line) override { notes.emplace_back(line); }
  void warn(std::string_view line) override { warnings.emplace_back(line); }

  std::vector<std::string> tasks, notes, warnings;
  std::string interrupted_task;
  Index interrupted_after = 0;
};

/// Small enough for a run in a fraction of a second: 60 clips an actor, of 0.2 seconds at 8 kHz.
inline constexpr const char* small_yaml = R"(
seed: 7
features:
  sample_rate: 8000
  n_fft: 256
  hop_length: 128
  extract:
    - mfcc: {n_mfcc: 8, n_mels: 20}
    - rms
model:
  frames: 10
  layers:
    - conv1d: {filters: 8, kernel_size: 3}
    - relu
    - global_average_pool
    - dropout: {rate: 0.2}
training:
  epochs: 4
  batch_size: 16
)";

/// What the error says that `work` ends with; nothing where it ends well.
template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A corpus, a configuration file and room for what comes of them.
class SmallExperiment {
 public:
  explicit SmallExperiment(int actors = 2) {
    RavdessTree tree;
    tree.actors = actors;
    tree.seconds = 0.2;
    if (actors > 2) tree.statements = tree.repetitions = 1;
    clips = write_ravdess_tree(folder / "corpus", tree);
    write_bytes(config_file(), small_yaml);
  }

  std::filesystem::path config_file() const { return folder / "small.yaml"; }
  std::filesystem::path run_path(const std::string& name = "small") const {
    return folder / "runs" / name;
  }
  ExperimentConfig config(std::vector<std::string> overrides = {}) const {
    overrides.insert(overrides.begin(), "corpus.path=" + (folder / "corpus").string());
    return load_experiment(config_file(), overrides);
  }
  Workplace workplace(const std::string& runs = "runs") {
    Workplace place(context, listener);
    place.cache = folder / "cache";
    place.runs = folder / runs;
    return place;
  }
  std::string bytes(const std::string& file, const std::string& run = "runs/small") const {
    return read_bytes(folder / run / file);
  }
  /// The tasks heard of so far that were trainings.
  std::vector<std::string> trainings() const {
    std::vector<std::string> names;
    for (const std::string& task : listener.tasks) {
      if (task.starts_with("train")) names.push_back(task);
    }
    return names;
  }
  bool has(const std::string& file, const std::string& run = "runs/small") const {
    return std::filesystem::exists(folder / run / file);
  }

  TemporaryFolder folder;
  std::vector<std::filesystem::path> clips;
  Context context{1};
  Listener listener;
};

}  // namespace serenade::test
