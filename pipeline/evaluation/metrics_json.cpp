#include "pipeline/evaluation/metrics_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace serenade {
namespace {

using nlohmann::ordered_json;

/// JSON has no NaN.
ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json scores_json(const std::vector<std::string>& labels, const Scores& scores,
                         const ConfusionMatrix& confusion) {
  ordered_json json;
  json["clips"] = scores.clips;
  json["accuracy"] = scores.accuracy;
  json["uar"] = scores.uar;
  json["macro_f1"] = scores.macro_f1;
  // A list, not an object: class names come from outside and order matters.
  json["per_class"] = ordered_json::array();
  json["confusion"] = ordered_json::array();
  for (Index k = 0; k < confusion.classes(); ++k) {
    const auto i = static_cast<std::size_t>(k);
    const ClassScores& one = scores.per_class[i];
    json["per_class"].push_back({{"label", labels[i]},
                                 {"precision", one.precision},
                                 {"recall", one.recall},
                                 {"f1", one.f1},
                                 {"support", one.support},
                                 {"predicted", one.predicted}});
    ordered_json row = ordered_json::array();
    for (Index j = 0; j < confusion.classes(); ++j) row.push_back(confusion(k, j));
    json["confusion"].push_back(std::move(row));
  }
  return json;
}

}  // namespace

std::string metrics_json(const ReportData& data) {
  const Evaluation& evaluation = data.evaluation;
  ordered_json json;
  json["format"] = 1;
  json["name"] = data.title;
  json["config"] = data.config_name;
  json["date"] = data.date;
  json["seeds"] = data.seeds;
  json["protocol"] = {{"name", data.protocol.name},
                      {"description", data.protocol.description},
                      {"speaker_independent", data.protocol.speaker_independent}};
  json["corpus"] = {
      {"name", data.corpus.name}, {"clips", data.corpus.clips}, {"speakers", data.corpus.speakers}};
  json["labels"] = evaluation.labels;
  json["test_clips"] = evaluation.pooled_scores.clips;
  json["unlabelled_clips"] = evaluation.unlabelled;
  json["mean"] = {{"accuracy", number(evaluation.accuracy.mean)},
                  {"uar", number(evaluation.uar.mean)},
                  {"macro_f1", number(evaluation.macro_f1.mean)}};
  json["standard_deviation"] = {{"accuracy", number(evaluation.accuracy.deviation)},
                                {"uar", number(evaluation.uar.deviation)},
                                {"macro_f1", number(evaluation.macro_f1.deviation)}};
  json["pooled"] = scores_json(evaluation.labels, evaluation.pooled_scores, evaluation.pooled);
  json["folds"] = ordered_json::array();
  for (const FoldScores& fold : evaluation.folds) {
    ordered_json one;
    one["name"] = fold.name;
    const auto curve = std::find_if(data.curves.begin(), data.curves.end(),
                                    [&](const auto& c) { return c.fold == fold.name; });
    const bool chosen = curve != data.curves.end() && curve->best_epoch > 0;
    one["best_epoch"] = chosen ? ordered_json(curve->best_epoch) : ordered_json(nullptr);
    one.update(scores_json(evaluation.labels, fold.scores, fold.confusion));
    json["folds"].push_back(std::move(one));
  }
  json["notes"] = data.notes;
  json["warnings"] = data.warnings;
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
