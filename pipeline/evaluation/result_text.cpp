#include "pipeline/evaluation/result_text.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "kernels/device/options.h"
#include "pipeline/evaluation/number_text.h"

namespace serenade {

std::string percent_interval(const Interval& interval, std::string_view dash) {
  if (!std::isfinite(interval.low) || !std::isfinite(interval.high)) return {};
  return percent(interval.low) + std::string(dash) + percent(interval.high);
}

std::string test_clips_text(const Evaluation& evaluation) {
  const std::string clips = counted(evaluation.clips, "test clip", "test clips");
  if (evaluation.seeds.empty()) return clips;
  return fmt::format("{} x {} seeds", clips, evaluation.seeds.size());
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

std::string interval_text(const ReportData& data) {
  const auto& intervals = data.evaluation.pooled_intervals;
  if (!intervals) return {};
  const bool speakers = data.resampled() == Resampled::speakers;
  return fmt::format("{} % percentile bootstrap intervals from {} resamples of {}",
                     shortest(100 * data.options.confidence), thousands(data.options.bootstrap),
                     speakers ? counted(intervals->clusters, "speaker", "speakers")
                              : counted(intervals->clusters, "clip", "clips"));
}

}  // namespace serenade
