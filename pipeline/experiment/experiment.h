#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "kernels/device/context.h"
#include "pipeline/evaluation/report_data.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/run_folder.h"
#include "pipeline/features/extraction.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// Where an experiment is carried out, as opposed to what it is.
struct Workplace {
  Workplace(Context& where, Observer& who) : context(where), observer(who) {}

  Context& context;
  Observer& observer;
  Device features = Device::cpu;  ///< where features are computed; networks: in the context
  std::size_t device_memory = 0;  ///< see ExtractionOptions and Trainer
  std::filesystem::path cache = "cache";
  std::filesystem::path runs = "runs";
  bool force = false;       ///< a finished run may be overwritten
  bool verify = false;      ///< read all recordings and shards again, also those known unchanged
  bool resume = false;      ///< a run must be there and is gone on with: see resume_run()
  std::string config_name;  ///< for the report
  std::string command;      ///< for the report
  /// Told the run's folder once it exists and is this run's, so that the log can go there.
  std::function<void(const RunFolder&)> on_run_folder = [](const RunFolder&) {};
};

/// What a run came to.
struct RunResult {
  RunFolder folder;
  bool was_finished = false;  ///< found finished with the same configuration; nothing was done
  std::optional<ReportData> report;  ///< absent when only trained, or found finished
};

/// Fills the feature cache, with the features of training clips' copies as well, for which the
/// split is drawn; the report counts both.
ExtractionReport extract(const ExperimentConfig& config, const Workplace& workplace);

/// Corpus, features, training, evaluation, report. A finished run of the same configuration is left
/// as it is, with a warning where its models or clips of its corpus are gone; of another one it is
/// an error, unless workplace.force. What is overwritten stays until the new run's corpus,
/// features, split and networks are known to be right. An unfinished run of the same configuration
/// is gone on with, of another one it is dropped; workplace.resume goes on or fails, also with more
/// epochs than the run was begun with.
RunResult run(const ExperimentConfig& config, const Workplace& workplace);

/// The same up to the trained models, from features that are in the cache already: DataError where
/// some are not.
RunResult train(const ExperimentConfig& config, const Workplace& workplace);

/// Scores a trained run on its own test part. Writes predictions, metrics and report where the run
/// has none yet. Throws DataError where the corpus is not what the run was trained on.
ReportData evaluate(const RunFolder& folder, const Workplace& workplace);

}  // namespace serenade
