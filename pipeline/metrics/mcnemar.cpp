#include "pipeline/metrics/mcnemar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/device/error.h"

namespace serenade {
namespace {

/// P(X <= most) of the heads in `throws` throws of a fair coin; fewer than exact_mcnemar_below, so
/// that every coefficient is exact in a double.
double lower_tail(Index most, Index throws) {
  double coefficient = 1, sum = 0;
  for (Index k = 0; k <= most; ++k) {
    sum += coefficient;
    coefficient = coefficient * static_cast<double>(throws - k) / static_cast<double>(k + 1);
  }
  return std::ldexp(sum, -static_cast<int>(throws));
}

}  // namespace

McNemar mcnemar_test(Index first_only, Index second_only) {
  if (first_only < 0 || second_only < 0) {
    throw ShapeError(fmt::format("McNemar's test of {} and {} clips: counts are not negative",
                                 first_only, second_only));
  }
  McNemar test{.first_only = first_only, .second_only = second_only};
  const Index differing = first_only + second_only;
  const Index fewer = std::min(first_only, second_only);
  test.exact = differing < exact_mcnemar_below;
  if (test.exact) {
    test.statistic = static_cast<double>(fewer);
    test.p = std::min(1.0, 2 * lower_tail(fewer, differing));
    return test;
  }
  // Equal counts are corrected as well, as statsmodels does: (0 - 1)^2.
  const double distance = std::abs(static_cast<double>(first_only - second_only)) - 1;
  test.statistic = distance * distance / static_cast<double>(differing);
  // The upper tail of chi-square with one degree of freedom.
  test.p = std::erfc(std::sqrt(test.statistic / 2));
  return test;
}

}  // namespace serenade
