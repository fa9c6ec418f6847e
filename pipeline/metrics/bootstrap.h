#pragma once

#include <cstdint>
#include <span>

#include "kernels/device/context.h"
#include "kernels/device/tensor.h"

namespace serenade {

/// How intervals are drawn.
struct BootstrapOptions {
  int resamples = 2000;
  double confidence = 0.95;  ///< of the interval, 0 to 1, both ends excluded
  std::uint64_t seed = 1;
};

/// Between these ends, both shares from 0 to 1. NaN where nothing can be said.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Intervals of the scores of scores.h.
struct ScoreIntervals {
  Interval accuracy, uar, macro_f1;
  Index clusters = 0;  ///< what was drawn from
};

/// Percentile bootstrap over clusters (Efron and Tibshirani 1993, "An Introduction to the
/// Bootstrap", 13.3; whole clusters: Davison and Hinkley 1997, "Bootstrap Methods and their
/// Application", 3.8). A resample draws as many clusters as there are, with replacement, each with
/// all its clips, and is scored as scores_of does: its UAR is the mean over the classes that have
/// clips in it. The ends are the quantiles (1 - confidence) / 2 and (1 + confidence) / 2 of the
/// resamples' scores, interpolated linearly (Hyndman and Fan 1996, type 7: numpy's default).
///
/// Draw i of resample b is floor(word * clusters / 2^32), word i % 4 of Philox (seed) at
/// (i / 4, b, 0, Purpose::bootstrap): the same bits for any number of threads. An interval from few
/// clusters is coarse and too narrow; from one there is none: NaN.
///
/// truth, predicted  [clips]  class numbers
/// clusters          [clips]  the clip's cluster, numbered from 0 without gaps. Clips that were
///                            not chosen independently (of one speaker) share a cluster
/// Throws ShapeError when lengths differ, there is no clip, or a number is out of its range.
ScoreIntervals bootstrap_intervals(Context& context, std::span<const int> truth,
                                   std::span<const int> predicted, std::span<const Index> clusters,
                                   Index classes, const BootstrapOptions& options);

/// Second minus first: differences of the scores of two recognisers, of the same clips.
struct ScoreDifferences {
  double accuracy = 0, uar = 0, macro_f1 = 0;
  ScoreIntervals intervals;  ///< of the differences, from -1 to 1
};

/// The paired bootstrap: every resample is drawn as bootstrap_intervals does, the same clips for
/// both, and scored for both, so that what makes clips hard for either does not widen the interval
/// of the difference. An interval without 0 is a difference that the draw of clips (or speakers)
/// does not explain.
///
/// truth, first, second  [clips]  class numbers: the true class and what each recogniser said
/// clusters              [clips]  as for bootstrap_intervals
/// Throws ShapeError likewise.
ScoreDifferences paired_bootstrap(Context& context, std::span<const int> truth,
                                  std::span<const int> first, std::span<const int> second,
                                  std::span<const Index> clusters, Index classes,
                                  const BootstrapOptions& options);

}  // namespace serenade
