#pragma once

#include <span>
#include <string>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

/// What `run` and `evaluate` end with on a terminal: protocol, accuracy, UAR and macro-F1 with
/// their intervals (a line a fold, mean and deviation where there are several) beside those of
/// guessing, the classification report and the confusion matrix. Under 100 columns for up to 12
/// classes with names of usual length.
std::string summary_text(const ReportData& data);

/// The matrix with the true class down and per cent of its row across, "." for none, aligned.
/// Columns are as wide as their names, which are cut to fit `width`; where that makes two of them
/// equal, columns carry class numbers.
/// Throws ShapeError when labels do not fit the matrix.
std::string confusion_text(const ConfusionMatrix& confusion, std::span<const std::string> labels,
                           std::size_t width = 98);

}  // namespace serenade
