#pragma once

#include <string>
#include <string_view>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

// Words about results that the terminal and the page share.

/// "58.1–69.0" in per cent, with `dash` between; "" where nothing can be said.
std::string percent_interval(const Interval& interval, std::string_view dash = "–");

/// "128 test clips", each counted once, or "128 test clips x 2 seeds".
std::string test_clips_text(const Evaluation& evaluation);

/// What the mean is over: "6 folds", "3 seeds", "3 seeds of 6 folds"; "" for a single network.
std::string averaged_over(const Evaluation& evaluation);

/// "fold-3", or "fold-3, seed 2" where there are several seeds.
std::string result_name(const Evaluation& evaluation, const FoldScores& fold);

/// "95 % percentile bootstrap intervals from 2,000 resamples of 20 speakers"; "" without intervals.
std::string interval_text(const ReportData& data);

}  // namespace serenade
