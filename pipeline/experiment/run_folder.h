#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace serenade {

/// runs/NAME and the files in it. environment.json is written when every network is trained, and
/// metrics.json when everything is done: which of them exist tells how far a run came. A run whose
/// results (metrics.json, predictions.csv, report.html) are not all there, or empty, is trained and
/// not finished: it can be scored again. Networks of
/// several folds have folders fold-K, those of several seeds seed-S, of both fold-K/seed-S.
class RunFolder {
 public:
  enum class State { empty, unfinished, trained, finished };

  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  /// The folder of a run that is trained, of an ensemble or of some networks. Throws DataError
  /// where there is none, saying what is there.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(std::string_view name) const { return path_ / name; }
  /// The folder of the fold of this name, "fold-3"; the run's own where there is only one.
  RunFolder fold(const std::string& name, std::size_t folds) const;
  /// The folder in this one of the network of this seed, "seed-3"; this one where there is only
  /// one.
  RunFolder seed(std::uint64_t seed, std::size_t seeds) const;
  /// The networks' folders that hold a model, in order of fold and seed; the run's own where it has
  /// one.
  std::vector<RunFolder> trained_members() const;
  /// Whether some network of this run has done an epoch and saved it.
  bool has_checkpoint() const;
  /// Epochs that the networks of this run have done, all networks together: the lines of their
  /// metrics.csv.
  std::size_t epochs_done() const;

  State state() const;
  /// Makes the folder where there is none. Throws IoError.
  void make() const;
  /// Takes out of the folder what a run writes; other people's files stay. Throws IoError.
  void clear() const;
  /// Takes out all that training has made, so that it begins with the first epoch: networks,
  /// checkpoints, split and results. The configuration and the log stay. Throws IoError.
  void drop_training() const;
  /// Makes an unfinished run of a finished one: takes out models and results, and leaves what
  /// training needs to go on. Throws IoError.
  void reopen() const;
  /// Takes out half-written files of a process that was killed. Throws IoError.
  void remove_leftovers() const;

 private:
  std::filesystem::path path_;
};

/// Keeps two programs from writing one run folder at a time; gone with the process, however it
/// ends.
class RunLock {
 public:
  /// Throws IoError where another program holds it.
  explicit RunLock(const RunFolder& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int fd_;
};

/// Names of the files in a run folder.
namespace run_file {
/// Texts of a run folder (config.yaml, split.csv) are refused beyond this.
inline constexpr std::size_t max_text_bytes = std::size_t{1} << 26U;
inline constexpr std::size_t max_prediction_bytes = std::size_t{1} << 30U;
inline constexpr std::string_view config = "config.yaml";
inline constexpr std::string_view environment = "environment.json";
inline constexpr std::string_view split = "split.csv";
inline constexpr std::string_view epochs = "metrics.csv";
/// Only ensembles have it, and then no model of their own.
inline constexpr std::string_view ensemble = "ensemble.json";
inline constexpr std::string_view best_model = "model.safetensors";
inline constexpr std::string_view last_model = "last.safetensors";
inline constexpr std::string_view predictions = "predictions.csv";
inline constexpr std::string_view metrics = "metrics.json";
inline constexpr std::string_view report = "report.html";
inline constexpr std::string_view log = "log.txt";
inline constexpr std::string_view crossval_csv = "crossval.csv";
inline constexpr std::string_view crossval_json = "crossval.json";
/// What the folder of results on another corpus begins with: "on-emodb".
inline constexpr std::string_view other_corpus = "on-";
}  // namespace run_file

}  // namespace serenade
