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

/// Scores of every resample.
struct Resamples {
  std::vector<double> accuracy, uar, macro_f1;

  explicit Resamples(int resamples)
      : accuracy(static_cast<std::size_t>(resamples)),
        uar(accuracy.size()),
        macro_f1(accuracy.size()) {}

  void set(std::size_t b, const Scores& scores) {
    accuracy[b] = scores.accuracy;
    uar[b] = scores.uar;
    macro_f1[b] = scores.macro_f1;
  }
  /// What `first` is subtracted from.
  void set(std::size_t b, const Scores& first, const Scores& second) {
    accuracy[b] = second.accuracy - first.accuracy;
    uar[b] = second.uar - first.uar;
    macro_f1[b] = second.macro_f1 - first.macro_f1;
  }
  ScoreIntervals intervals(double confidence, std::size_t clusters) {
    return {percentiles(accuracy, confidence), percentiles(uar, confidence),
            percentiles(macro_f1, confidence), static_cast<Index>(clusters)};
  }
};

/// Throws ShapeError where there is nothing to draw, or no way to.
void expect_drawable(std::size_t truth, std::size_t predicted, std::size_t clusters,
                     const BootstrapOptions& options) {
  if (truth == 0 || truth != predicted || truth != clusters) {
    throw ShapeError(
        fmt::format("bootstrap: {} true classes, {} predicted ones and {} clusters: they must be "
                    "as many, and not none",
                    truth, predicted, clusters));
  }
  if (options.resamples < 1 || !(options.confidence > 0 && options.confidence < 1)) {
    throw ShapeError(
        fmt::format("bootstrap: {} resamples for an interval of {}; at least 1 and "
                    "between 0 and 1",
                    options.resamples, options.confidence));
  }
}

ScoreIntervals no_intervals() {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  return {{nan, nan}, {nan, nan}, {nan, nan}, 1};
}

/// Calls count(clip) for every clip of resample b, as often as it is drawn.
template <class Count>
void draw(const Philox& philox, const Clusters& sorted, std::size_t b, const Count& count) {
  Philox::Counter words{};
  for (std::size_t i = 0; i < sorted.count(); ++i) {
    if (i % 4 == 0) {
      words = philox({static_cast<std::uint32_t>(i / 4), static_cast<std::uint32_t>(b), 0,
                      purpose_of(Purpose::bootstrap)});
    }
    const std::size_t drawn = (std::uint64_t{words[i % 4]} * sorted.count()) >> 32U;
    for (std::size_t at = sorted.begin[drawn]; at < sorted.begin[drawn + 1]; ++at) {
      count(sorted.clips[at]);
    }
  }
}

/// Calls resample(b) for every resample, on all threads.
template <class Resample>
void each_resample(Context& context, Index resamples, const Resample& resample) {
  context.parallel((resamples + resamples_a_chunk - 1) / resamples_a_chunk, [&](Index chunk) {
    const Index end = std::min((chunk + 1) * resamples_a_chunk, resamples);
    for (Index b = chunk * resamples_a_chunk; b < end; ++b) resample(static_cast<std::size_t>(b));
  });
}

}  // namespace

ScoreIntervals bootstrap_intervals(Context& context, std::span<const int> truth,
                                   std::span<const int> predicted, std::span<const Index> clusters,
                                   Index classes, const BootstrapOptions& options) {
  expect_drawable(truth.size(), predicted.size(), clusters.size(), options);
  (void)confusion_matrix(truth, predicted, classes);  // checks the class numbers
  const Clusters sorted = sorted_by_cluster(clusters);
  if (sorted.count() == 1) return no_intervals();
  const Philox philox(options.seed);
  Resamples scores(options.resamples);
  each_resample(context, options.resamples, [&](std::size_t b) {
    ConfusionMatrix counts(classes);
    draw(philox, sorted, b, [&](std::size_t clip) { counts.add(truth[clip], predicted[clip]); });
    scores.set(b, scores_of(counts));
  });
  return scores.intervals(options.confidence, sorted.count());
}

ScoreDifferences paired_bootstrap(Context& context, std::span<const int> truth,
                                  std::span<const int> first, std::span<const int> second,
                                  std::span<const Index> clusters, Index classes,
                                  const BootstrapOptions& options) {
  expect_drawable(truth.size(), first.size(), clusters.size(), options);
  const Scores of_first = scores_of(confusion_matrix(truth, first, classes));
  const Scores of_second = scores_of(confusion_matrix(truth, second, classes));
  ScoreDifferences differences{of_second.accuracy - of_first.accuracy, of_second.uar - of_first.uar,
                               of_second.macro_f1 - of_first.macro_f1, no_intervals()};
  const Clusters sorted = sorted_by_cluster(clusters);
  if (sorted.count() == 1) return differences;
  const Philox philox(options.seed);
  Resamples scores(options.resamples);
  each_resample(context, options.resamples, [&](std::size_t b) {
    ConfusionMatrix counts_of_first(classes), counts_of_second(classes);
    draw(philox, sorted, b, [&](std::size_t clip) {
      counts_of_first.add(truth[clip], first[clip]);
      counts_of_second.add(truth[clip], second[clip]);
    });
    scores.set(b, scores_of(counts_of_first), scores_of(counts_of_second));
  });
  differences.intervals = scores.intervals(options.confidence, sorted.count());
  return differences;
}

}  // namespace serenade
