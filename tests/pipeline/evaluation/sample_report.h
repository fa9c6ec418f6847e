#pragma once

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "pipeline/evaluation/analysis.h"

namespace serenade::test {

inline std::vector<std::string> ravdess_labels() {
  return {"neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"};
}

/// Predictions of which about `right` are right; the first class has half as many clips as others.
inline std::vector<ClipPrediction> sample_predictions(const std::vector<std::string>& labels,
                                                      int folds, int clips_per_class,
                                                      double right) {
  std::mt19937 random(7);  // its numbers are the same everywhere, unlike the distributions'
  const auto uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  std::vector<ClipPrediction> rows;
  for (int fold = 1; fold <= folds; ++fold) {
    for (std::size_t truth = 0; truth < labels.size(); ++truth) {
      const int clips = truth == 0 ? clips_per_class / 2 : clips_per_class;
      for (int clip = 0; clip < clips; ++clip) {
        // Most errors go to the class beside the true one, as calm is taken for neutral.
        const double skill = right + 0.12 * std::sin(2.0 * static_cast<double>(truth) + fold);
        std::size_t guess = truth;
        if (uniform() > skill) {
          const double step = uniform() * uniform() * static_cast<double>(labels.size());
          guess = (truth + 1 + static_cast<std::size_t>(step)) % labels.size();
        }
        ClipPrediction row;
        row.id = labels[truth] + "-" + std::to_string(fold) + "-" + std::to_string(clip);
        row.path = "speech/" + row.id + ".flac";
        row.speaker = std::to_string(3 * (fold - 1) + 1 + clip % 3);
        row.label = labels[truth];
        row.predicted = labels[guess];
        row.probabilities.assign(labels.size(), 0.1F / static_cast<float>(labels.size()));
        row.probabilities[guess] += 0.9F;
        row.fold = "fold-" + std::to_string(fold);
        row.seed = 7;
        row.fields = {{"intensity", clip % 2 == 0 ? "normal" : "strong"},
                      {"emotion", labels[truth]},
                      {"channel", "speech"}};
        rows.push_back(row);
      }
    }
  }
  return rows;
}

inline LearningCurve sample_curve(const std::string& fold, int epochs, double right) {
  LearningCurve curve;
  curve.fold = fold;
  const double phase = static_cast<double>(fold.back());
  double best = 0;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    const double learned = 1 - std::exp(-epoch / 14.0);
    const double wobble = 0.03 * std::sin(epoch * 2.1 + phase) + 0.02 * std::sin(epoch * 0.7);
    curve.training_loss.push_back(2.1 - 1.65 * learned + 0.3 * wobble);
    curve.validation_loss.push_back(2.1 - 1.2 * learned + 0.006 * epoch + wobble);
    curve.validation_accuracy.push_back(0.125 + (right - 0.1) * learned + wobble);
    curve.validation_uar.push_back(0.115 + (right - 0.11) * learned + 1.3 * wobble);
    if (curve.validation_uar.back() > best) {
      best = curve.validation_uar.back();
      curve.best_epoch = epoch;
    }
  }
  curve.monitor = "validation UAR";
  return curve;
}

/// A report as a run would fill it.
inline ReportData sample_report(std::vector<std::string> labels, int folds, int epochs) {
  constexpr double right = 0.7;
  const int per_class = folds > 1 ? 25 : 38;
  const auto predictions = sample_predictions(labels, folds, per_class, right);
  ReportData data;
  data.title = "ravdess_frames_cnn";
  data.date = "2025-03-01 14:05 UTC";
  data.config_name = "configs/" + data.title + ".yaml";
  data.command = "serenade run " + data.config_name + " corpus.path=ravdess";
  data.seeds = {7};
  if (folds > 1) {
    data.protocol = {"emobox",
                     "Six folds of unseen actors, as published with EmoBox (Interspeech 2024). "
                     "Each fold is trained on the other actors, and scores are averaged over "
                     "folds.",
                     true};
    data.notes = {"actors 21-24 are not in the data: folds 1, 3, 4 and 6 are tested on fewer"};
  } else {
    data.protocol = {"random",
                     "A quarter of the clips, drawn at random within each emotion, is the test "
                     "part. The same actors are on both sides, and most test clips have their "
                     "twin repetition among the training clips.",
                     false};
    data.notes = {
        "2 clips are byte-identical (03-01-03-01-02-01-07, 03-01-03-02-02-02-07) and "
        "were kept on one side of the split"};
    data.warnings = {
        "1 file could not be read and was left out: speech/Actor_03/broken.flac: "
        "unexpected end of file"};
  }
  for (int fold = 1; fold <= folds; ++fold) {
    const std::string name = "fold-" + std::to_string(fold);
    data.curves.push_back(sample_curve(name, epochs, right));
    std::vector<Index> test(labels.size(), per_class);
    test[0] = per_class / 2;
    data.corpus.folds.push_back({name, std::vector<Index>(labels.size(), 101),
                                 std::vector<Index>(labels.size(), 11), test,
                                 folds > 1 ? "1, 11, 20" : ""});
  }
  data.options.bootstrap = 200;
  Context context;
  score_predictions(context, labels, predictions, data);
  data.corpus.name = "ravdess";
  data.corpus.path = "ravdess";
  data.corpus.clips = 150 * static_cast<Index>(labels.size());
  data.corpus.speakers = 20;
  data.corpus.audio_seconds = 3.7 * 1200;
  data.corpus.clips_per_class.assign(labels.size(), 150);
  data.corpus.speakers_per_class.assign(labels.size(), 20);
  data.features =
      "mfcc (40), chroma_stft (12), spectral_contrast (7), tonnetz (6), "
      "zero_crossing_rate (1), rms (1): 67 numbers a frame";
  data.model_input = "[228, 67]";
  data.layers = {{"conv1d", "filters 64, kernel 5, same", "[228, 64]", 21504},
                 {"batch_norm", "", "[228, 64]", 256},
                 {"relu", "", "[228, 64]", 0},
                 {"max_pool", "size 4", "[57, 64]", 0},
                 {"dropout", "rate 0.2", "[57, 64]", 0},
                 {"global_average_pool", "", "[64]", 0},
                 {"dense", "units 8", "[8]", 520},
                 {"softmax", "", "[8]", 0}};
  data.timings = {{"features", 38.7, "1,200 clips, 31.0 clips/s, 115 times real time, 1 thread"},
                  {"training", 192.4, "60 epochs, 3.2 s an epoch"},
                  {"evaluation", 0.84, "304 clips"}};
  data.config_yaml =
      "name: ravdess_frames_cnn\nseed: 7\ncorpus:\n  reader: ravdess\n  channel: speech\n"
      "features:\n  sample_rate: 22050\n  n_fft: 2048\n  hop_length: 512\n  list:\n"
      "    - mfcc: {n_mfcc: 40}\n    - chroma_stft: {n_chroma: 12}\nsplit:\n  protocol: random\n"
      "  test_size: 0.25\n  validation: 0.1\ntraining:\n  epochs: 60\n  batch_size: 32\n";
  data.environment = {
      {"serenade", "0.1.0 (7493106)"}, {"device", "cpu, 2 threads"}, {"processor", "x86-64, AVX2"},
      {"libsndfile", "1.2.0"},         {"libsoxr", "0.1.3"},         {"HDF5", "1.10.8"}};
  return data;
}

/// What networks of several seeds come to: each heard the same clips, and each has its own errors.
inline ReportData seeds_report(int seeds, int folds) {
  ReportData data = sample_report(ravdess_labels(), folds, 3);
  std::vector<ClipPrediction> all;
  data.seeds.clear();
  data.curves.clear();
  for (int seed = 1; seed <= seeds; ++seed) {
    data.seeds.push_back(static_cast<std::uint64_t>(seed));
    const int per_class = folds > 1 ? 25 : 38;
    for (ClipPrediction row :
         sample_predictions(data.evaluation.labels, folds, per_class, 0.5 + 0.1 * seed)) {
      row.seed = seed;
      if (folds == 1) row.fold.clear();
      all.push_back(row);
    }
    for (int fold = 1; fold <= folds; ++fold) {
      data.curves.push_back(sample_curve("fold-" + std::to_string(fold), 3, 0.7));
      data.curves.back().seed = seed;
      if (folds == 1) data.curves.back().fold.clear();
    }
  }
  if (folds == 1) data.corpus.folds.front().fold.clear();
  Context context;
  score_predictions(context, data.evaluation.labels, all, data);
  return data;
}

}  // namespace serenade::test
