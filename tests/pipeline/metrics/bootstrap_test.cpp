#include "pipeline/metrics/bootstrap.h"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "kernels/device/error.h"
#include "pipeline/metrics/scores.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

using nlohmann::json;

struct Clips {
  std::vector<int> truth, predicted;
  std::vector<Index> clusters;
  Index classes = 0;

  ScoreIntervals intervals(const BootstrapOptions& options = {}, int threads = 1) const {
    Context context(threads);
    return bootstrap_intervals(context, truth, predicted, clusters, classes, options);
  }
  Scores scores() const { return scores_of(confusion_matrix(truth, predicted, classes)); }
};

/// Clips of which about 0.7 are right; each its own cluster, or `per_cluster` together.
Clips sample(int clips, int classes, int per_cluster = 1) {
  std::mt19937 random(11);
  Clips sample;
  sample.classes = classes;
  for (int i = 0; i < clips; ++i) {
    const int truth = static_cast<int>(random() % static_cast<unsigned>(classes));
    const bool right = random() % 10 < 7;
    sample.truth.push_back(truth);
    sample.predicted.push_back(right ? truth
                                     : static_cast<int>(random() % static_cast<unsigned>(classes)));
    sample.clusters.push_back(i / per_cluster);
  }
  return sample;
}

double width(const Interval& interval) { return interval.high - interval.low; }

json golden() {
  std::ifstream file(test::golden_folder() / "bootstrap.json");
  return json::parse(file);
}

Clips clips_of(const json& one) {
  return {one["truth"].get<std::vector<int>>(), one["predicted"].get<std::vector<int>>(),
          one["clusters"].get<std::vector<Index>>(), one["labels"].get<Index>()};
}

// The script has its own Philox, scikit-learn's scores and numpy's quantiles. Scores are equal to
// the last bit; interpolating may round otherwise.
TEST(Bootstrap, IsThatOfNumpyAndScikitLearn) {
  const json data = golden();
  ASSERT_GE(data["cases"].size(), 5U);
  for (const json& one : data["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const ScoreIntervals intervals =
        clips_of(one).intervals({one["resamples"].get<int>(), one["confidence"].get<double>(),
                                 one["seed"].get<std::uint64_t>()});
    const auto expect = [&](const char* name, const Interval& interval) {
      SCOPED_TRACE(name);
      EXPECT_NEAR(interval.low, one[name][0].get<double>(), 1e-15);
      EXPECT_NEAR(interval.high, one[name][1].get<double>(), 1e-15);
    };
    expect("accuracy", intervals.accuracy);
    expect("uar", intervals.uar);
    expect("macro_f1", intervals.macro_f1);
  }
}

// With random numbers of its own scipy's ends scatter around the same place: the standard error of
// a quantile q of B resamples is sqrt(q (1 - q) / B) / density, for the 2.5 % of a normal
// distribution 2.7 deviations / sqrt(B), and an interval is 3.9 deviations wide. Five of the
// difference of two.
TEST(Bootstrap, AgreesWithScipyUpToChance) {
  const json data = golden();
  ASSERT_GE(data["scipy"].size(), 2U);
  for (const json& one : data["scipy"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const int resamples = one["resamples"].get<int>();
    const ScoreIntervals intervals = clips_of(one).intervals({resamples, 0.95, 5});
    const auto expect = [&](const char* name, const Interval& interval) {
      SCOPED_TRACE(name);
      const double low = one[name][0].get<double>();
      const double high = one[name][1].get<double>();
      const double tolerance =
          5 * std::sqrt(2.0) * 2.7 / std::sqrt(resamples) * (high - low) / 3.92;
      EXPECT_NEAR(interval.low, low, tolerance);
      EXPECT_NEAR(interval.high, high, tolerance);
    };
    expect("accuracy", intervals.accuracy);
    expect("uar", intervals.uar);
    expect("macro_f1", intervals.macro_f1);
  }
}

TEST(Bootstrap, HasTheSameBitsOnAnyNumberOfThreads) {
  const Clips clips = sample(150, 8, 5);
  const ScoreIntervals one = clips.intervals({501, 0.95, 3});
  for (const int threads : {2, 3, 7}) {
    const ScoreIntervals many = clips.intervals({501, 0.95, 3}, threads);
    EXPECT_EQ(one.accuracy.low, many.accuracy.low);
    EXPECT_EQ(one.uar.high, many.uar.high);
    EXPECT_EQ(one.macro_f1.low, many.macro_f1.low);
  }
  EXPECT_NE(one.uar.low, clips.intervals({501, 0.95, 4}).uar.low);
}

TEST(Bootstrap, ContainsTheScoreAndShrinksWithMoreClips) {
  double last = 1;
  for (const int clips : {60, 240, 960}) {
    const Clips some = sample(clips, 4);
    const ScoreIntervals intervals = some.intervals();
    const Scores scores = some.scores();
    EXPECT_EQ(intervals.clusters, clips);
    for (const auto& [interval, score] :
         {std::pair(intervals.accuracy, scores.accuracy), std::pair(intervals.uar, scores.uar),
          std::pair(intervals.macro_f1, scores.macro_f1)}) {
      EXPECT_LT(interval.low, score);
      EXPECT_GT(interval.high, score);
    }
    EXPECT_LT(width(intervals.accuracy), 0.7 * last);
    last = width(intervals.accuracy);
  }
}

// Of a binomial share p of n clips the interval is about 2 * 1.96 * sqrt(p (1 - p) / n) wide.
TEST(Bootstrap, IsAsWideAsTheBinomialSays) {
  const Clips some = sample(1000, 4);
  const double p = some.scores().accuracy;
  EXPECT_NEAR(width(some.intervals().accuracy), 3.92 * std::sqrt(p * (1 - p) / 1000), 0.004);
}

TEST(Bootstrap, LessConfidenceIsNarrower) {
  const Clips some = sample(200, 4);
  EXPECT_LT(width(some.intervals({2000, 0.8, 1}).uar), width(some.intervals().uar));
}

// Clips of a speaker that are all right or all wrong say no more than one clip would.
TEST(Bootstrap, ClustersThatAgreeWithinWidenTheInterval) {
  Clips some;
  some.classes = 2;
  for (int i = 0; i < 200; ++i) {
    const int speaker = i / 10;
    some.truth.push_back(i % 2);
    some.predicted.push_back(speaker % 4 == 0 ? 1 - i % 2 : i % 2);
    some.clusters.push_back(speaker);
  }
  Clips apart = some;
  for (std::size_t i = 0; i < apart.clusters.size(); ++i) {
    apart.clusters[i] = static_cast<Index>(i);
  }
  EXPECT_GT(width(some.intervals().accuracy), 2.5 * width(apart.intervals().accuracy));
}

TEST(Bootstrap, DoesNotDependOnTheOrderOfClips) {
  const Clips some = sample(90, 4, 3);
  Clips turned = some;
  std::reverse(turned.truth.begin(), turned.truth.end());
  std::reverse(turned.predicted.begin(), turned.predicted.end());
  std::reverse(turned.clusters.begin(), turned.clusters.end());
  EXPECT_EQ(some.intervals().uar.low, turned.intervals().uar.low);
  EXPECT_EQ(some.intervals().macro_f1.high, turned.intervals().macro_f1.high);
}

TEST(Bootstrap, PerfectScoresHaveNoWidth) {
  Clips some = sample(50, 4);
  some.predicted = some.truth;
  const ScoreIntervals intervals = some.intervals();
  for (const Interval& one : {intervals.accuracy, intervals.uar, intervals.macro_f1}) {
    EXPECT_EQ(one.low, 1);
    EXPECT_EQ(one.high, 1);
  }
}

// One clip of a class: a third of the resamples miss it, and their UAR is that of the rest.
TEST(Bootstrap, AClassMayBeMissingFromAResample) {
  Clips some;
  some.classes = 2;
  some.truth.assign(20, 0);
  some.predicted.assign(20, 0);
  some.truth.back() = 1;
  for (Index i = 0; i < 20; ++i) some.clusters.push_back(i);
  const ScoreIntervals intervals = some.intervals();
  EXPECT_EQ(intervals.uar.low, 0.5);
  EXPECT_EQ(intervals.uar.high, 1);
}

TEST(Bootstrap, OneSpeakerGivesNoInterval) {
  Clips some = sample(30, 4);
  some.clusters.assign(30, 0);
  const ScoreIntervals intervals = some.intervals();
  EXPECT_EQ(intervals.clusters, 1);
  for (const Interval& one : {intervals.accuracy, intervals.uar, intervals.macro_f1}) {
    EXPECT_TRUE(std::isnan(one.low));
    EXPECT_TRUE(std::isnan(one.high));
  }
}

TEST(Bootstrap, RefusesWhatDoesNotFit) {
  const Clips some = sample(10, 4);
  const auto changed = [&](const auto& change) {
    Clips other = some;
    change(other);
    return other;
  };
  EXPECT_THROW(Clips().intervals(), ShapeError);
  EXPECT_THROW(some.intervals({0, 0.95, 1}), ShapeError);
  EXPECT_THROW(some.intervals({10, 1, 1}), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.predicted.pop_back(); }).intervals(), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.clusters.pop_back(); }).intervals(), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.truth[3] = 4; }).intervals(), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.clusters[3] = -1; }).intervals(), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.clusters[3] = 10; }).intervals(), ShapeError);
  EXPECT_THROW(changed([](Clips& c) { c.clusters[3] = 2; }).intervals(), ShapeError);  // a gap
}

}  // namespace
}  // namespace serenade
