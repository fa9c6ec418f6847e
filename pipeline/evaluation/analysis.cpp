#include "pipeline/evaluation/analysis.h"

#include <vector>

namespace serenade {

void score_predictions(Context& context, std::span<const std::string> labels,
                       std::span<const ClipPrediction> predictions, ReportData& data) {
  data.evaluation = evaluate_predictions(labels, predictions, data.options);
  if (data.options.bootstrap > 0) {
    const BootstrapOptions options{data.options.bootstrap, data.options.confidence,
                                   data.seeds.empty() ? 1 : data.seeds.front()};
    add_intervals(context, data.evaluation, predictions, data.resampled(), options);
  }
  std::vector<TrainingCounts> training;
  for (const FoldCorpus& fold : data.corpus.folds) training.push_back({fold.fold, fold.training});
  if (!data.trained_on.empty()) training = {{"", data.trained_on}};
  add_baselines(data.evaluation, training);
}

}  // namespace serenade
