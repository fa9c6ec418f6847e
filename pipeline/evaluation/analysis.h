#pragma once

#include <span>
#include <string>

#include "kernels/device/context.h"
#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// Scores predictions into data.evaluation, with everything that a report says of them: intervals
/// by data.options, over whole speakers where data.resampled() says so, drawn with the first of
/// data.seeds; baselines from the training parts in data.corpus, or from data.trained_on. The same
/// bits for any number of threads. Throws as evaluate_predictions does.
void score_predictions(Context& context, std::span<const std::string> labels,
                       std::span<const ClipPrediction> predictions, ReportData& data);

}  // namespace serenade
