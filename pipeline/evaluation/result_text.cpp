#include "pipeline/evaluation/result_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/device/options.h"
#include "pipeline/evaluation/number_text.h"

namespace serenade {
namespace {

bool has_several_folds(const Evaluation& evaluation) {
  return std::any_of(evaluation.folds.begin(), evaluation.folds.end(), [&](const FoldScores& fold) {
    return fold.name != evaluation.folds.front().name;
  });
}

}  // namespace

std::string percent_interval(const Interval& interval, std::string_view dash) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return {};
  return percent(interval.low) + std::string(dash) + percent(interval.high);
}

std::string averaged_over(const Evaluation& evaluation) {
  std::set<std::string> folds;
  for (const FoldScores& fold : evaluation.folds) folds.insert(fold.name);
  std::string text;
  if (!evaluation.seeds.empty()) text = fmt::format("{} seeds", evaluation.seeds.size());
  if (folds.size() < 2) return text;
  return fmt::format("{}{}{} folds", text, text.empty() ? "" : " of ", folds.size());
}

std::string result_name(const Evaluation& evaluation, const FoldScores& fold) {
  if (evaluation.seeds.empty() || !fold.seed) return fold.name;
  return fmt::format("{}{}seed {}", fold.name, fold.name.empty() ? "" : ", ", *fold.seed);
}

std::string kinds_of_networks(const Evaluation& evaluation) {
  if (evaluation.seeds.empty()) return "folds";
  return has_several_folds(evaluation) ? "folds and seeds" : "seeds";
}

std::string together_text(const Evaluation& evaluation) {
  if (evaluation.folds.size() < 2) return {};
  return fmt::format("all {} together{}", kinds_of_networks(evaluation),
                     evaluation.seeds.empty() ? "" : ", each clip counted once for each seed");
}

std::string classes_text(const Evaluation& evaluation) {
  const std::vector<ClassScores>& classes = evaluation.pooled_scores.per_class;
  const auto all = static_cast<Index>(classes.size());
  const Index present = std::count_if(classes.begin(), classes.end(),
                                      [](const ClassScores& one) { return one.support > 0; });
  const std::string text = counted(all, "class", "classes");
  return present < all ? fmt::format("{} of {}", present, text) : text;
}

std::string interval_text(const ReportData& data) {
  const auto& intervals = data.evaluation.pooled_intervals;
  if (!intervals) return {};
  const bool speakers = data.resampled() == Resampled::speakers;
  return fmt::format("{} % percentile bootstrap intervals from {} resamples of {}",
                     shortest(100 * data.options.confidence), thousands(data.options.bootstrap),
                     speakers ? counted(intervals->clusters, "speaker", "speakers")
                              : counted(intervals->clusters, "clip", "clips"));
}

std::string no_interval_text(const ReportData& data) {
  const std::vector<FoldScores>& folds = data.evaluation.folds;
  const bool lone = std::any_of(folds.begin(), folds.end(), [](const FoldScores& fold) {
    return fold.intervals && fold.intervals->clusters == 1;
  });
  if (!lone) return {};
  return fmt::format("none where one {} is tested",
                     data.resampled() == Resampled::speakers ? "speaker" : "clip");
}

}  // namespace serenade
