#pragma once

#include <span>
#include <string>

#include "pipeline/metrics/confusion.h"

namespace serenade {

/// Precision, recall, F1 and support of each class and their averages as text: what scikit-learn's
/// classification_report(truth, predicted, target_names=..., zero_division=0) gives for the same
/// predictions as class numbers, character by character. As there, classes that occur neither
/// among truth nor predictions have no line. "macro avg" recall counts a class without clips as 0
/// and is then lower than the UAR.
/// labels  [classes]  names, UTF-8
/// Throws ShapeError when labels do not fit the matrix or it counts no clips.
std::string classification_report(const ConfusionMatrix& confusion,
                                  std::span<const std::string> labels, int digits = 2);

}  // namespace serenade
