#include "pipeline/evaluation/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/device/error.h"

namespace serenade {
namespace {

Index class_number(std::span<const std::string> labels, const std::string& name,
                   const ClipPrediction& clip) {
  const auto found = std::find(labels.begin(), labels.end(), name);
  if (found == labels.end()) {
    throw DataError(fmt::format("clip {} ({}): class \"{}\" is none of the model's: {}", clip.id,
                                clip.path, name, fmt::join(labels, ", ")));
  }
  return found - labels.begin();
}

MeanAndDeviation over_folds(const std::vector<FoldScores>& folds, double Scores::*score) {
  std::vector<double> values;
  values.reserve(folds.size());
  for (const FoldScores& fold : folds) values.push_back(fold.scores.*score);
  return mean_and_deviation(values);
}

}  // namespace

Evaluation evaluate_predictions(std::span<const std::string> labels,
                                std::span<const ClipPrediction> predictions) {
  Evaluation evaluation;
  evaluation.labels.assign(labels.begin(), labels.end());
  const auto classes = static_cast<Index>(labels.size());
  evaluation.pooled = ConfusionMatrix(classes);
  for (const ClipPrediction& clip : predictions) {
    if (clip.label.empty()) {
      ++evaluation.unlabelled;
      continue;
    }
    auto fold = std::find_if(evaluation.folds.begin(), evaluation.folds.end(),
                             [&](const FoldScores& one) { return one.name == clip.fold; });
    if (fold == evaluation.folds.end()) {
      evaluation.folds.push_back({clip.fold, ConfusionMatrix(classes), {}});
      fold = std::prev(evaluation.folds.end());
    }
    fold->confusion.add(class_number(labels, clip.label, clip),
                        class_number(labels, clip.predicted, clip));
  }
  for (FoldScores& fold : evaluation.folds) {
    fold.scores = scores_of(fold.confusion);
    evaluation.pooled += fold.confusion;
  }
  evaluation.pooled_scores = scores_of(evaluation.pooled);
  evaluation.accuracy = over_folds(evaluation.folds, &Scores::accuracy);
  evaluation.uar = over_folds(evaluation.folds, &Scores::uar);
  evaluation.macro_f1 = over_folds(evaluation.folds, &Scores::macro_f1);
  return evaluation;
}

}  // namespace serenade
