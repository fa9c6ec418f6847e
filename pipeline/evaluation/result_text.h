#pragma once

#include <string>
#include <string_view>

#include "pipeline/evaluation/report_data.h"

namespace serenade {

// Words about results that the terminal and the page share.

/// "58.1–69.0" in per cent, with `dash` between; "" where nothing can be said.
std::string percent_interval(const Interval& interval, std::string_view dash = "–");

/// What the mean is over: "6 folds", "3 seeds", "3 seeds of 6 folds"; "" for a single network.
std::string averaged_over(const Evaluation& evaluation);

/// "fold-3", or "fold-3, seed 2" where there are several seeds.
std::string result_name(const Evaluation& evaluation, const FoldScores& fold);

/// What networks differ in: "folds", "seeds" or "folds and seeds".
std::string kinds_of_networks(const Evaluation& evaluation);

/// Whose clips one matrix holds: "all folds together", "all seeds together, each clip counted once
/// for each seed"; "" for a single network.
std::string together_text(const Evaluation& evaluation);

/// "8 classes"; "5 of 8 classes" where only so many have test clips.
std::string classes_text(const Evaluation& evaluation);

/// "95 % percentile bootstrap intervals from 2,000 resamples of 20 speakers"; "" without intervals.
std::string interval_text(const ReportData& data);

/// Why a part has no interval, "none where one speaker is tested"; "" where each has one.
std::string no_interval_text(const ReportData& data);

}  // namespace serenade
