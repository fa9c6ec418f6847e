#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/evaluation/evaluation.h"
#include "pipeline/evaluation/options.h"

namespace serenade {

/// How the clips were divided, in words. From corpus/protocol_text.h.
struct ProtocolText {
  std::string name;         ///< "random", "emobox"
  std::string description;  ///< two sentences for someone who never heard of it
  bool speaker_independent = false;
};

/// One training run, an entry per epoch. A list may be empty where a value was not measured; NaN
/// and infinite values are allowed and named.
struct LearningCurve {
  std::string fold;                     ///< as in ClipPrediction::fold
  std::optional<std::uint64_t> seed{};  ///< as in ClipPrediction::seed
  std::vector<double> training_loss;
  std::vector<double> validation_loss;
  std::vector<double> validation_accuracy;  ///< 0 to 1
  std::vector<double> validation_uar;       ///< 0 to 1
  int best_epoch = 0;                       ///< from 1; 0 when none was chosen
  std::string monitor;                      ///< what chose it: "validation UAR"
};

/// Clips of one fold by class and part.
struct FoldCorpus {
  std::string fold;                               ///< as in ClipPrediction::fold
  std::vector<Index> training, validation, test;  ///< [classes] clips
  std::string test_speakers;                      ///< "1, 11, 20"; empty when not worth saying
};

/// The data set.
struct CorpusSummary {
  std::string name;  ///< "ravdess"
  std::string path;
  Index clips = 0;
  Index speakers = 0;
  double audio_seconds = 0;               ///< 0 when unknown
  std::vector<Index> clips_per_class;     ///< [classes]
  std::vector<Index> speakers_per_class;  ///< [classes]; empty when unknown
  std::vector<FoldCorpus> folds;
};

/// Test clips of one fold that have something in common with clips of its training or validation
/// part. From corpus/leakage.h.
struct LeakageRow {
  std::string fold;  ///< as in ClipPrediction::fold
  Index test_clips = 0;
  Index same_content = 0, same_speaker = 0, same_utterance = 0;
  Index statement_unknown = 0;  ///< not known what is said in them
};

/// One layer of the network, as the model room describes it.
struct LayerRow {
  std::string name;     ///< "conv1d"
  std::string options;  ///< "filters 64, kernel 5, same"
  std::string output;   ///< "[228, 64]"
  Index parameters = 0;
};

/// What the networks of one fold learned from besides its training clips.
struct CopiesRow {
  std::string fold;  ///< as in ClipPrediction::fold
  Index training_clips = 0;
  Index copies = 0;  ///< of these
};

struct TimingRow {
  std::string stage;  ///< "features"
  double seconds = 0;
  std::string detail;  ///< "1200 clips, 31.0 clips/s, 1 thread"
};

/// All that a report shows: strings and numbers only, so that this room knows nothing of corpora
/// and trainers. The experiment fills it. Whatever is empty leaves its section out.
struct ReportData {
  std::string title;        ///< the experiment's name
  std::string date;         ///< "2025-03-01 14:05 UTC"
  std::string config_name;  ///< "configs/ravdess_notebook.yaml"
  std::string command;      ///< what the user typed
  std::vector<std::uint64_t> seeds;
  /// Another corpus, whose clips were scored instead of a test part; empty for the run's own.
  std::string tested_on;
  /// [classes] clips that its networks were trained on; empty for the run's own corpus, whose folds
  /// tell.
  std::vector<Index> trained_on;
  EvaluationOptions options;
  ProtocolText protocol;
  std::vector<std::string> notes;     ///< "actors 21-24 are not in the data: ..."
  std::vector<std::string> warnings;  ///< "3 files could not be read: ..."
  Evaluation evaluation;
  std::vector<LearningCurve> curves;
  CorpusSummary corpus;
  std::vector<std::string> copy_recipes;  ///< "{speed: 0.9}"; empty without augmentation
  std::vector<CopiesRow> copies;          ///< of each fold; empty without augmentation
  std::vector<LeakageRow> leakage;
  std::string features;     ///< one line: what goes into the network
  std::string model_input;  ///< "[228, 193]"
  std::vector<LayerRow> layers;
  std::vector<TimingRow> timings;
  std::string config_yaml;                                       ///< resolved: every key
  std::vector<std::pair<std::string, std::string>> environment;  ///< "serenade", "0.1.0 (abc1234)"

  /// Sums over the folds; no name.
  LeakageRow overall_leakage() const {
    LeakageRow all;
    for (const LeakageRow& fold : leakage) {
      all.test_clips += fold.test_clips;
      all.same_content += fold.same_content;
      all.same_speaker += fold.same_speaker;
      all.same_utterance += fold.same_utterance;
      all.statement_unknown += fold.statement_unknown;
    }
    return all;
  }

  /// What intervals resample: clips of a speaker are alike, and where whole speakers are held out,
  /// the speakers are the sample. So are those of another corpus.
  Resampled resampled() const {
    const bool speakers = protocol.speaker_independent || !tested_on.empty();
    return speakers ? Resampled::speakers : Resampled::clips;
  }
};

}  // namespace serenade
