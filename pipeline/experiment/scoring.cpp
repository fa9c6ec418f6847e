#include "pipeline/experiment/scoring.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "pipeline/evaluation/analysis.h"
#include "pipeline/evaluation/metrics_json.h"
#include "pipeline/evaluation/result_text.h"
#include "pipeline/experiment/report.h"
#include "pipeline/experiment/run_members.h"
#include "pipeline/model/model_file.h"
#include "pipeline/support/files.h"
#include "pipeline/training/prediction.h"

namespace serenade {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

std::vector<ClipPrediction> predict_test_parts(const ExperimentConfig& config,
                                               const Workplace& workplace, const Prepared& prepared,
                                               const RunFolder& run) {
  const Corpus& corpus = prepared.corpus;
  std::vector<ClipPrediction> all;
  for (const RunMember& member : run_members(config, prepared.split, run)) {
    const Fold& fold = prepared.split.folds[member.fold];
    const auto path = member.folder.file(run_file::best_model);
    const ModelFile model = load_model(path);
    if (model.description.labels != corpus.labels ||
        model.description.feature_key != prepared.features.key_text()) {
      throw DataError(fmt::format("{}: made for other labels or features than this corpus gives",
                                  path.string()));
    }
    Network network = model.network();
    std::vector<Tensor<const float>> features;
    std::vector<const StandardScaler*> speakers;
    for (const std::size_t row : fold.test()) {
      features.push_back(prepared.rows(row));
      speakers.push_back(prepared.scaler(row));
    }
    const Prediction prediction =
        predict(workplace.context, network, model.input, features, speakers);
    for (std::size_t i = 0; i < features.size(); ++i) {
      const Utterance& utterance = corpus.utterances[fold.test()[i]];
      const auto row = prediction.probabilities.view().row(static_cast<Index>(i)).span();
      if (!is_answer(row)) {
        throw DataError(fmt::format("{}: {}: {}", path.string(), utterance.id, no_answer));
      }
      all.push_back({.id = utterance.id,
                     .path = utterance.path.string(),
                     .speaker = utterance.speaker,
                     .label = utterance.label,
                     .predicted = corpus.labels[static_cast<std::size_t>(most_likely(row))],
                     .probabilities = {row.begin(), row.end()},
                     .fold = fold_label(prepared.split, fold),
                     .seed = member.seed,
                     .fields = utterance.fields});
    }
  }
  return all;
}

namespace {

/// The results of each network, where there are several, in its own folder.
void write_member_results(const ExperimentConfig& config, Context& context,
                          const Prepared& prepared, const RunFolder& run, const ScoredRun& scored) {
  const std::vector<std::string>& labels = scored.report.evaluation.labels;
  const std::vector<RunMember> members = run_members(config, prepared.split, run);
  for (const RunMember& member : members) {
    if (members.size() == 1) return;
    const std::string fold = fold_label(prepared.split, prepared.split.folds[member.fold]);
    std::vector<ClipPrediction> own;
    for (const ClipPrediction& clip : scored.predictions) {
      if (clip.fold == fold && clip.seed == member.seed) own.push_back(clip);
    }
    ReportData part = scored.report;
    part.seeds = {member.seed};
    std::erase_if(part.leakage, [&](const LeakageRow& row) { return row.fold != fold; });
    score_predictions(context, labels, own, part);
    write_file_atomically(member.folder.file(run_file::predictions), predictions_csv(labels, own));
    write_file_atomically(member.folder.file(run_file::metrics), metrics_json(part));
  }
}

}  // namespace

ScoredRun score_run(const ExperimentConfig& config, const Workplace& workplace,
                    const Prepared& prepared, const RunFolder& run, const TrainedRun& trained) {
  const auto begin = Clock::now();
  ReportData report = begin_report(config, workplace, prepared, trained.networks);
  std::vector<ClipPrediction> predictions = predict_test_parts(config, workplace, prepared, run);
  score_predictions(workplace.context, prepared.corpus.labels, predictions, report);
  const ExtractionReport& extraction = prepared.extraction;
  report.timings.push_back({"features", extraction.seconds,
                            fmt::format("{} clips computed, {} from the cache",
                                        extraction.extracted, extraction.from_cache)});
  if (trained.seconds > 0) {
    report.timings.push_back({"training", trained.seconds,
                              fmt::format("{} network{}", trained.networks.size(),
                                          trained.networks.size() == 1 ? "" : "s")});
  }
  report.timings.push_back(
      {"scoring", seconds_since(begin), fmt::format("{} predictions", predictions.size())});
  return {std::move(report), std::move(predictions)};
}

void write_scores(const ExperimentConfig& config, Context& context, const Prepared& prepared,
                  const RunFolder& run, const ScoredRun& scored) {
  write_member_results(config, context, prepared, run, scored);
  write_results(run, scored.report, scored.predictions);
}

}  // namespace serenade
