#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/evaluation/predictions.h"
#include "pipeline/support/observer.h"

namespace serenade {

/// What became of one file.
struct FilePrediction {
  ClipPrediction clip;
  std::string error;  ///< why there is no prediction; empty where there is one
};

/// A trained model or, of a run of several folds or seeds, all of them: probabilities are averaged
/// over the networks, and of an ensemble of runs over those. Needs the model files and nothing else
/// (of an ensemble ensemble.json); where split.csv is there as well, no fold may be missing.
class Predictor {
 public:
  /// `run` is a run folder, an ensemble's, the folder of some networks of a run, or a model file.
  /// Features are computed on the device `features`, of whose memory they may use device_memory
  /// bytes (0: half of it), networks in the context of each call.
  /// Throws DataError where there is no model, some are missing or they do not fit together.
  explicit Predictor(const std::filesystem::path& run, Device features = Device::cpu,
                     std::size_t device_memory = 0);
  ~Predictor();
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  const std::vector<std::string>& labels() const;
  std::size_t models() const;
  /// Whether the model standardises by speaker, so that it must be told who speaks.
  bool by_speaker() const;

  /// Predicts the files one after another, decoding and computing features on all threads, and
  /// hands each result on in the order of the files, so that any number of files fits in memory. A
  /// clip's bits do not depend on its neighbours. The observer is warned where the features are
  /// not computed by the versions that the model was trained with.
  ///
  /// speakers: of each file, where the model standardises by speaker (see speakers_of); else not
  /// looked at. Then all files are decoded before the first result, a clip's bits depend on the
  /// speaker's other files, though not on their order, and what does not fit into 256 MiB is
  /// decoded twice. Throws DataError where speakers are missing.
  void predict(Context& context, const std::vector<std::filesystem::path>& files,
               Observer& observer, const std::function<void(const FilePrediction&)>& on_result,
               const std::vector<std::string>& speakers = {});

 private:
  struct Models;
  std::unique_ptr<Models> models_;
};

/// What to predict, and which folders could not be listed.
struct Recordings {
  std::vector<std::filesystem::path> files;
  std::vector<std::string> errors;  ///< a line each
};

/// Files to predict: files as they are, folders with the sound files below them as find_files()
/// finds them. A file named outright is always taken, and a path that does not exist is kept:
/// predicting it tells why it fails.
Recordings find_recordings(const std::vector<std::string>& paths);

}  // namespace serenade
