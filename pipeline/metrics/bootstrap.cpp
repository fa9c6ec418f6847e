#include "pipeline/metrics/bootstrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "pipeline/metrics/scores.h"

namespace serenade {
namespace {

constexpr Index resamples_a_chunk = 16;

/// Clips sorted by cluster: those of cluster k are clips[begin[k]] to clips[begin[k + 1] - 1].
struct Clusters {
  std::vector<std::size_t> begin, clips;
  std::size_t count() const { return begin.size() - 1; }
};

Clusters sorted_by_cluster(std::span<const Index> clusters) {
  Clusters sorted;
  const auto clips = static_cast<Index>(clusters.size());
  Index count = 0;
  for (const Index cluster : clusters) {
    if (cluster < 0 || cluster >= clips) {
      throw ShapeError(fmt::format("bootstrap: cluster {} of {} clips", cluster, clips));
    }
    count = std::max(count, cluster + 1);
  }
  sorted.begin.assign(static_cast<std::size_t>(count) + 1, 0);
  for (const Index cluster : clusters) ++sorted.begin[static_cast<std::size_t>(cluster) + 1];
  for (std::size_t k = 0; k < sorted.count(); ++k) {
    if (sorted.begin[k + 1] == 0) {
      throw ShapeError(fmt::format("bootstrap: cluster {} of {} has no clips", k, count));
    }
    sorted.begin[k + 1] += sorted.begin[k];
  }
  sorted.clips.resize(clusters.size());
  std::vector<std::size_t> next(sorted.begin.begin(), sorted.begin.end() - 1);
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    sorted.clips[next[static_cast<std::size_t>(clusters[i])]++] = i;
  }
  return sorted;
}

/// Of sorted values; interpolated as numpy does, so that both ends are exact where values are
/// equal.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = at - std::floor(at);
  const double step = sorted[above] - sorted[below];
  return part < 0.5 ? sorted[below] + step * part : sorted[above] - step * (1 - part);
}

Interval percentiles(std::vector<double>& values, double confidence) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - confidence) / 2), quantile(values, (1 + confidence) / 2)};
}

}  // namespace

ScoreIntervals bootstrap_intervals(Context& context, std::span<const int> truth,
                                   std::span<const int> predicted, std::span<const Index> clusters,
                                   Index classes, const BootstrapOptions& options) {
  if (truth.empty() || truth.size() != predicted.size() || truth.size() != clusters.size()) {
    throw ShapeError(
        fmt::format("bootstrap: {} true classes, {} predicted ones and {} clusters: they must be "
                    "as many, and not none",
                    truth.size(), predicted.size(), clusters.size()));
  }
  if (options.resamples < 1 || !(options.confidence > 0 && options.confidence < 1)) {
    throw ShapeError(
        fmt::format("bootstrap: {} resamples for an interval of {}; at least 1 and "
                    "between 0 and 1",
                    options.resamples, options.confidence));
  }
  (void)confusion_matrix(truth, predicted, classes);  // checks the class numbers
  const Clusters sorted = sorted_by_cluster(clusters);
  ScoreIntervals intervals;
  intervals.clusters = static_cast<Index>(sorted.count());
  if (sorted.count() == 1) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    intervals.accuracy = intervals.uar = intervals.macro_f1 = {nan, nan};
    return intervals;
  }

  const Philox philox(options.seed);
  const Index resamples = options.resamples;
  std::vector<double> accuracy(static_cast<std::size_t>(resamples));
  std::vector<double> uar(accuracy.size());
  std::vector<double> macro_f1(accuracy.size());
  const auto resample = [&](std::size_t b) {
    ConfusionMatrix counts(classes);
    Philox::Counter words{};
    for (std::size_t i = 0; i < sorted.count(); ++i) {
      if (i % 4 == 0) {
        words = philox({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(b), 0,
                        purpose_of(Purpose::bootstrap)});
      }
      const std::size_t drawn = (std::uint64_t{words[i % 4]} * sorted.count()) >> 32U;
      for (std::size_t at = sorted.begin[drawn]; at < sorted.begin[drawn + 1]; ++at) {
        counts.add(truth[sorted.clips[at]], predicted[sorted.clips[at]]);
      }
    }
    const Scores scores = scores_of(counts);
    accuracy[b] = scores.accuracy;
    uar[b] = scores.uar;
    macro_f1[b] = scores.macro_f1;
  };
  context.parallel((resamples + resamples_a_chunk - 1) / resamples_a_chunk, [&](Index chunk) {
    const Index end = std::min((chunk + 1) * resamples_a_chunk, resamples);
    for (Index b = chunk * resamples_a_chunk; b < end; ++b) resample(static_cast<std::size_t>(b));
  });
  intervals.accuracy = percentiles(accuracy, options.confidence);
  intervals.uar = percentiles(uar, options.confidence);
  intervals.macro_f1 = percentiles(macro_f1, options.confidence);
  return intervals;
}

}  // namespace serenade
