#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "pipeline/evaluation/evaluation.h"
#include "pipeline/metrics/bootstrap.h"
#include "pipeline/metrics/mcnemar.h"
#include "pipeline/metrics/scores.h"

namespace serenade {

/// A run beside others, on the test clips that all have in common.
struct ComparedRun {
  std::string path, protocol;
  std::size_t seeds = 1;  ///< whose probabilities are averaged
  Index test_clips = 0;   ///< that it has, also those that are not common
  Scores scores;          ///< of the common clips, all folds in one matrix
  /// Against the first run; absent for that.
  std::optional<ScoreDifferences> differences;
  std::optional<McNemar> mcnemar;
};

struct Comparison {
  std::vector<ComparedRun> runs;
  Index clips = 0;  ///< that are compared
  Resampled resampled = Resampled::clips;
  BootstrapOptions bootstrap;
  std::vector<std::string> notes;
};

/// Where test parts differ, so many clips must be common.
inline constexpr Index fewest_common_clips = 30;

/// Compares runs on the same test clips: each pair with the first. Clips are the same where id and
/// content (split.csv) are; where a run tests a clip in several folds, where the fold is as well. A
/// run's word on a clip is that of its seeds' networks together, as `predict` gives it. Intervals
/// are drawn over speakers where all protocols keep test speakers out of training (or the results
/// are on another corpus), else over clips.
///
/// Throws DataError where there are fewer than two runs, one holds no results, their classes differ
/// or a clip has two labels, nothing is common, or test parts differ and fewer than
/// fewest_common_clips are common. The notes say what is not common.
Comparison compare_runs(Context& context, const std::vector<std::filesystem::path>& folders);

/// For a terminal, under 100 columns.
std::string comparison_text(const Comparison& comparison);
/// A line a run: run,protocol,seeds,clips,accuracy,uar, then, empty for the first,
/// accuracy_difference,accuracy_low,accuracy_high,uar_difference,uar_low,uar_high,first_only,
/// second_only,mcnemar,statistic,p. mcnemar is "exact" or "chi-square".
std::string comparison_csv(const Comparison& comparison);
/// format, clips, resampled, resamples, confidence, notes, runs: the same, null where there is
/// nothing.
std::string comparison_json(const Comparison& comparison);

/// One network under several protocols, from the metrics.json of a run for each: the page
/// (protocols_page.h), and the same for a terminal. Throws DataError where a run holds no results.
struct ProtocolComparison {
  std::string html, text;
};
ProtocolComparison compare_protocols(const std::vector<std::filesystem::path>& folders);

}  // namespace serenade
