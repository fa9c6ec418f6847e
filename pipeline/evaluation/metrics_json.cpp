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

template <class T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

template <class Scored>
ordered_json part_json(const Scored& scored, double MeanAndDeviation::*part) {
  return {{"accuracy", number(scored.accuracy.*part)},
          {"uar", number(scored.uar.*part)},
          {"macro_f1", number(scored.macro_f1.*part)}};
}

ordered_json intervals_json(const std::optional<ScoreIntervals>& intervals) {
  if (!intervals) return nullptr;
  const auto ends = [](const Interval& one) {
    return ordered_json::array({number(one.low), number(one.high)});
  };
  return {{"accuracy", ends(intervals->accuracy)},
          {"uar", ends(intervals->uar)},
          {"macro_f1", ends(intervals->macro_f1)},
          {"clusters", intervals->clusters}};
}

ordered_json scores_json(const std::vector<std::string>& labels, const Scores& scores,
                         const ConfusionMatrix& confusion,
                         const std::optional<ScoreIntervals>& intervals) {
  ordered_json json;
  json["clips"] = scores.clips;
  json["accuracy"] = scores.accuracy;
  json["uar"] = scores.uar;
  json["macro_f1"] = scores.macro_f1;
  json["intervals"] = intervals_json(intervals);
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

ordered_json folds_json(const ReportData& data) {
  ordered_json json = ordered_json::array();
  for (const FoldScores& fold : data.evaluation.folds) {
    ordered_json one;
    one["name"] = fold.name;
    one["seed"] = or_null(fold.seed);
    const auto curve =
        std::find_if(data.curves.begin(), data.curves.end(), [&](const LearningCurve& c) {
          return c.fold == fold.name && (!c.seed || c.seed == fold.seed);
        });
    const bool chosen = curve != data.curves.end() && curve->best_epoch > 0;
    one["best_epoch"] = chosen ? ordered_json(curve->best_epoch) : ordered_json(nullptr);
    one.update(scores_json(data.evaluation.labels, fold.scores, fold.confusion, fold.intervals));
    json.push_back(std::move(one));
  }
  return json;
}

ordered_json by_seed_json(const Evaluation& evaluation) {
  ordered_json json = ordered_json::array();
  for (const SeedScores& one : evaluation.seeds) {
    json.push_back({{"seed", one.seed},
                    {"mean", part_json(one, &MeanAndDeviation::mean)},
                    {"standard_deviation", part_json(one, &MeanAndDeviation::deviation)}});
  }
  return json;
}

ordered_json ensemble_json(const Evaluation& evaluation) {
  if (!evaluation.ensemble) return nullptr;
  const EnsembleScores& ensemble = *evaluation.ensemble;
  ordered_json folds = ordered_json::array();
  for (const FoldScores& fold : ensemble.folds) {
    ordered_json one = {{"name", fold.name}};
    one.update(scores_json(evaluation.labels, fold.scores, fold.confusion, fold.intervals));
    folds.push_back(std::move(one));
  }
  return {{"mean", part_json(ensemble, &MeanAndDeviation::mean)},
          {"standard_deviation", part_json(ensemble, &MeanAndDeviation::deviation)},
          {"pooled", scores_json(evaluation.labels, ensemble.pooled_scores, ensemble.pooled,
                                 ensemble.pooled_intervals)},
          {"folds", std::move(folds)}};
}

ordered_json baselines_json(const Evaluation& evaluation) {
  ordered_json json = ordered_json::array();
  for (const Baseline& one : evaluation.baselines) {
    json.push_back({{"name", one.name},
                    {"accuracy", one.scores.accuracy},
                    {"uar", one.scores.uar},
                    {"macro_f1", one.scores.macro_f1}});
  }
  return json;
}

ordered_json groups_json(const Evaluation& evaluation) {
  ordered_json json = ordered_json::array();
  for (const Grouping& grouping : evaluation.groups) {
    ordered_json values = ordered_json::array();
    for (const GroupScores& one : grouping.values) {
      values.push_back({{"value", one.value},
                        {"clips", one.clips},
                        {"accuracy", one.accuracy},
                        {"uar", one.uar}});
    }
    json.push_back({{"field", grouping.field}, {"values", std::move(values)}});
  }
  return json;
}

ordered_json leakage_json(const LeakageRow& row) {
  return {{"test_clips", row.test_clips},
          {"same_speaker", row.same_speaker},
          {"same_utterance", row.same_utterance},
          {"same_content", row.same_content},
          {"statement_unknown", row.statement_unknown}};
}

ordered_json leakages_json(const std::vector<LeakageRow>& rows) {
  ordered_json json = ordered_json::array();
  for (const LeakageRow& row : rows) {
    ordered_json one = {{"fold", row.fold}};
    one.update(leakage_json(row));
    json.push_back(std::move(one));
  }
  return json;
}

ordered_json augmentation_json(const ReportData& data) {
  ordered_json folds = ordered_json::array();
  for (const CopiesRow& row : data.copies) {
    folds.push_back(
        {{"fold", row.fold}, {"training_clips", row.training_clips}, {"copies", row.copies}});
  }
  return {{"recipes", data.copy_recipes}, {"folds", std::move(folds)}};
}

ordered_json mistakes_json(const Evaluation& evaluation) {
  ordered_json json = ordered_json::array();
  for (const Mistake& one : evaluation.mistakes) {
    json.push_back({{"file", one.path},
                    {"id", one.id},
                    {"speaker", one.speaker},
                    {"fold", one.fold},
                    {"seed", or_null(one.seed)},
                    {"label", one.label},
                    {"predicted", one.predicted},
                    {"probability", number(one.probability)},
                    {"probability_of_label", number(one.probability_of_label)}});
  }
  return json;
}

ordered_json calibration_json(const Calibration& calibration) {
  ordered_json bins = ordered_json::array();
  for (const CalibrationBin& bin : calibration.bins) {
    const bool known = bin.clips > 0;
    bins.push_back({{"low", bin.low},
                    {"high", bin.high},
                    {"clips", bin.clips},
                    {"confidence", known ? ordered_json(bin.confidence) : ordered_json(nullptr)},
                    {"accuracy", known ? ordered_json(bin.accuracy) : ordered_json(nullptr)}});
  }
  const bool known = calibration.clips > 0;
  return {{"expected_error", known ? ordered_json(calibration.expected_error) : nullptr},
          {"bins", std::move(bins)}};
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
  json["tested_on"] = data.tested_on.empty() ? ordered_json(nullptr) : ordered_json(data.tested_on);
  json["protocol"] = {{"name", data.protocol.name},
                      {"description", data.protocol.description},
                      {"speaker_independent", data.protocol.speaker_independent}};
  json["corpus"] = {
      {"name", data.corpus.name}, {"clips", data.corpus.clips}, {"speakers", data.corpus.speakers}};
  if (!data.copies.empty()) json["augmentation"] = augmentation_json(data);
  json["labels"] = evaluation.labels;
  json["test_clips"] = evaluation.clips;
  json["unlabelled_clips"] = evaluation.unlabelled;
  json["leakage"] = leakages_json(data.leakage);
  json["leakage_overall"] =
      data.leakage.empty() ? ordered_json(nullptr) : leakage_json(data.overall_leakage());
  json["bootstrap"] = {
      {"resamples", data.options.bootstrap},
      {"confidence", data.options.confidence},
      {"resampled", data.resampled() == Resampled::speakers ? "speakers" : "clips"}};
  json["mean_over"] = evaluation.seeds.empty() ? "folds" : "seeds";
  json["mean"] = part_json(evaluation, &MeanAndDeviation::mean);
  json["standard_deviation"] = part_json(evaluation, &MeanAndDeviation::deviation);
  json["pooled"] = scores_json(evaluation.labels, evaluation.pooled_scores, evaluation.pooled,
                               evaluation.pooled_intervals);
  json["folds"] = folds_json(data);
  json["by_seed"] = by_seed_json(evaluation);
  json["over_folds"] = {
      {"mean", part_json(evaluation.over_folds, &MeanAndDeviation::mean)},
      {"standard_deviation", part_json(evaluation.over_folds, &MeanAndDeviation::deviation)}};
  json["ensemble"] = ensemble_json(evaluation);
  json["baselines"] = baselines_json(evaluation);
  json["groups"] = groups_json(evaluation);
  json["mistakes"] = mistakes_json(evaluation);
  json["calibration"] = calibration_json(evaluation.calibration);
  json["notes"] = data.notes;
  json["warnings"] = data.warnings;
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serenade
