#include "tests/reference/separation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace serenade::reference {

Matrix median_filter(const Matrix& rows, int width, bool over_time) {
  Matrix result = rows;
  const auto height = static_cast<std::ptrdiff_t>(rows.size());
  for (std::ptrdiff_t t = 0; t < height; ++t) {
    const auto bins = static_cast<std::ptrdiff_t>(rows[static_cast<std::size_t>(t)].size());
    for (std::ptrdiff_t bin = 0; bin < bins; ++bin) {
      std::vector<double> window;
      for (std::ptrdiff_t i = -(width / 2); i <= width / 2; ++i) {
        const std::ptrdiff_t length = over_time ? height : bins;
        std::ptrdiff_t at = (over_time ? t : bin) + i;
        while (at < 0 || at >= length) at = at < 0 ? -1 - at : 2 * length - 1 - at;
        window.push_back(rows[static_cast<std::size_t>(over_time ? at : t)]
                             [static_cast<std::size_t>(over_time ? bin : at)]);
      }
      std::sort(window.begin(), window.end());
      result[static_cast<std::size_t>(t)][static_cast<std::size_t>(bin)] =
          window[static_cast<std::size_t>(width / 2)];
    }
  }
  return result;
}

Matrix soft_mask(const Matrix& mine, const Matrix& theirs, double margin,
                 std::optional<double> power, double of_zeros) {
  Matrix result = mine;
  for (std::size_t t = 0; t < mine.size(); ++t) {
    for (std::size_t bin = 0; bin < mine[t].size(); ++bin) {
      const double a = mine[t][bin];
      const double b = margin * theirs[t][bin];
      double& share = result[t][bin];
      if (!power) {
        share = a > b ? 1 : 0;
      } else if (a == 0 && b == 0) {
        share = of_zeros;
      } else {
        const double larger = std::max(a, b);
        const double x = std::pow(a / larger, *power);
        share = x / (x + std::pow(b / larger, *power));
      }
    }
  }
  return result;
}

}  // namespace serenade::reference
