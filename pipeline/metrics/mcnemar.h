#pragma once

#include <cstdint>

#include "kernels/device/tensor.h"

namespace serenade {

/// Below so many clips that only one of two recognisers got right, McNemar's test is exact.
inline constexpr Index exact_mcnemar_below = 25;

/// McNemar's test of two recognisers on the same clips.
struct McNemar {
  Index first_only = 0;   ///< clips that only the first got right
  Index second_only = 0;  ///< clips that only the second got right
  bool exact = false;     ///< the binomial test; else chi-square with continuity correction
  /// min(first_only, second_only) where exact, else chi-square.
  double statistic = 0;
  /// Two-sided: how likely counts this far apart, or farther, are where both are right equally
  /// often. 1 where there is no such clip.
  double p = 1;
};

/// McNemar 1947, "Note on the sampling error of the difference between correlated proportions or
/// percentages", Psychometrika 12, with the continuity correction of Edwards 1948:
/// (|a - b| - 1)^2 / (a + b) against chi-square with one degree of freedom. Where a + b is below
/// exact_mcnemar_below the binomial test takes its place: twice the lower tail of min(a, b) in a +
/// b throws of a fair coin, at most 1. As statsmodels.stats.contingency_tables.mcnemar gives them.
///
/// It takes clips for independent: of clips of few speakers p is too small, and the interval of a
/// bootstrap over speakers says more.
/// Throws ShapeError for negative counts.
McNemar mcnemar_test(Index first_only, Index second_only);

}  // namespace serenade
