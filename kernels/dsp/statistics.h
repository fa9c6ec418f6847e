#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int statistics_revision = 1;

/// What becomes of a clip's frames, in order: "mean", "std" (of the population, as numpy.std),
/// "min", "max", "median", or "p" and a percentage, 0 to 100, such as "p10" or "p97.5" (percentile
/// with linear interpolation, as numpy.percentile).
struct StatisticsOptions {
  std::vector<std::string> statistics = {"mean"};

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("statistics", self.statistics, Range{},
          "mean, std, min, max, median, or percentiles as p10");
  }
};

/// One of them, its name understood.
struct Statistic {
  enum class Kind { mean, deviation, minimum, maximum, percentile };
  Kind kind = Kind::mean;
  double percentage = 0;  // of a percentile
};
/// As `check` has let it pass.
Statistic statistic_of(std::string_view name);

/// Where the percentile of so many sorted numbers lies: `share` of the way from the number at
/// `below` to the one at `above`.
struct Percentile {
  Index below = 0, above = 0;
  double share = 0;
};
Percentile percentile_of(double percentage, Index count);

/// Throws ConfigError when the list is empty, names something unknown or repeats a name.
void check(const StatisticsOptions& options);

/// features  [frames, dims]       clips end to end, extents in `frames`
/// out       [clips, dims * k]    for k statistics: all dims of the first, then of the second, ...
/// Sums are accumulated in float64, frame after frame; the results are rounded once.
/// Throws ShapeError when the shapes do not fit or a clip has no frames.
void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out);

namespace cpu {
void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void statistics(Context& context, Tensor<const float> features, const Ragged& frames,
                const StatisticsOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
