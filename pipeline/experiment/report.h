#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/experiment/experiment.h"
#include "pipeline/experiment/prepare.h"
#include "pipeline/model/network.h"
#include "pipeline/training/history.h"

namespace serenade {

/// One network after training, as the report wants it.
struct TrainedNetwork {
  std::size_t fold = 0;  ///< its place in Split::folds
  std::uint64_t seed = 0;
  std::vector<EpochRecord> history;
  int kept_epoch = 0;
  std::vector<LayerSummary> layers;
  std::string model_input;
};

/// What results call a fold: its name, or nothing where it is the only one.
std::string fold_label(const Split& split, const Fold& fold);

/// Class counts, speakers and folds of the corpus as it was used.
CorpusSummary summarise_corpus(const Prepared& prepared, const CorpusOptions& options);

/// Everything a report shows but the scores and timings, which the caller adds.
ReportData begin_report(const ExperimentConfig& config, const Workplace& workplace,
                        const Prepared& prepared, const std::vector<TrainedNetwork>& networks);

/// Predictions, metrics and the page, metrics.json last.
void write_results(const RunFolder& folder, const ReportData& report,
                   const std::vector<ClipPrediction>& predictions);

}  // namespace serenade
