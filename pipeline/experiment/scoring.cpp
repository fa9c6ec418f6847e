#include "pipeline/experiment/scoring.h"

#include <fmt/format.h>

#include <chrono>

#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/experiment/report.h"
#include "pipeline/model/model_file.h"
#include "pipeline/support/files.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Scores every fold's saved model on the fold's test part.
std::vector<ClipPrediction> predict_test_parts(const Workplace& workplace, const Prepared& prepared,
                                               const RunFolder& run) {
  const Corpus& corpus = prepared.corpus;
  const std::vector<Fold>& folds = prepared.split.folds;
  std::vector<ClipPrediction> all;
  for (std::size_t k = 0; k < folds.size(); ++k) {
    const auto path = run.fold(folds[k].name(), folds.size()).file(run_file::best_model);
    const ModelFile model = load_model(path);
    if (model.description.labels != corpus.labels ||
        model.description.feature_key != prepared.features.key_text()) {
      throw DataError(fmt::format("{}: made for other labels or features than this corpus gives",
                                  path.string()));
    }
    Network network = model.network();
    std::vector<Tensor<const float>> features;
    for (const std::size_t row : folds[k].test()) features.push_back(prepared.rows(row));
    const Prediction prediction = predict(workplace.context, network, model.input, features);
    for (std::size_t i = 0; i < features.size(); ++i) {
      const Utterance& utterance = corpus.utterances[folds[k].test()[i]];
      const auto row = prediction.probabilities.view().row(static_cast<Index>(i)).span();
      all.push_back({.id = utterance.id,
                     .path = utterance.path.string(),
                     .speaker = utterance.speaker,
                     .label = utterance.label,
                     .predicted = corpus.labels[static_cast<std::size_t>(most_likely(row))],
                     .probabilities = {row.begin(), row.end()},
                     .fold = fold_label(prepared.split, folds[k])});
    }
  }
  return all;
}

/// The results of one fold in its own folder.
void write_fold_results(const RunFolder& run, const ReportData& report,
                        const std::vector<ClipPrediction>& predictions) {
  const std::size_t folds = report.evaluation.folds.size();
  for (std::size_t k = 0; folds > 1 && k < folds; ++k) {
    std::vector<ClipPrediction> own;
    for (const ClipPrediction& clip : predictions) {
      if (clip.fold == report.evaluation.folds[k].name) own.push_back(clip);
    }
    ReportData part = report;
    part.evaluation = evaluate_predictions(report.evaluation.labels, own);
    const RunFolder folder = run.fold(report.evaluation.folds[k].name, folds);
    write_file_atomically(folder.file(run_file::predictions),
                          predictions_csv(report.evaluation.labels, own));
    write_file_atomically(folder.file(run_file::metrics), metrics_json(part));
  }
}

}  // namespace

ScoredRun score_run(const ExperimentConfig& config, const Workplace& workplace,
                    const Prepared& prepared, const RunFolder& run, const TrainedRun& trained) {
  const auto begin = Clock::now();
  ReportData report = begin_report(config, workplace, prepared, trained.folds);
  std::vector<ClipPrediction> predictions = predict_test_parts(workplace, prepared, run);
  report.evaluation = evaluate_predictions(prepared.corpus.labels, predictions);
  const ExtractionReport& extraction = prepared.extraction;
  report.timings.push_back({"features", extraction.seconds,
                            fmt::format("{} clips computed, {} from the cache",
                                        extraction.extracted, extraction.from_cache)});
  if (trained.seconds > 0) {
    report.timings.push_back(
        {"training", trained.seconds,
         fmt::format("{} fold{}", trained.folds.size(), trained.folds.size() == 1 ? "" : "s")});
  }
  report.timings.push_back(
      {"scoring", seconds_since(begin), fmt::format("{} test clips", predictions.size())});
  return {std::move(report), std::move(predictions)};
}

void write_scores(const RunFolder& run, const ScoredRun& scored) {
  write_fold_results(run, scored.report, scored.predictions);
  write_results(run, scored.report, scored.predictions);
}

}  // namespace serenade
