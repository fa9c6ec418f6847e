#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "pipeline/metrics/bootstrap.h"
#include "pipeline/metrics/mcnemar.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

using nlohmann::json;

json golden() {
  std::ifstream file(test::golden_folder() / "paired_tests.json");
  return json::parse(file);
}

struct Pair {
  std::vector<int> truth, first, second;
  std::vector<Index> clusters;
  Index classes = 0;

  ScoreDifferences differences(const BootstrapOptions& options = {}, int threads = 1) const {
    Context context(threads);
    return paired_bootstrap(context, truth, first, second, clusters, classes, options);
  }
};

Pair pair_of(const json& one) {
  return {one["truth"].get<std::vector<int>>(), one["first"].get<std::vector<int>>(),
          one["second"].get<std::vector<int>>(), one["clusters"].get<std::vector<Index>>(),
          one["classes"].get<Index>()};
}

Pair sample() { return pair_of(golden()["paired"][1]); }

TEST(McNemarTest, IsThatOfStatsmodels) {
  const json data = golden();
  ASSERT_GE(data["mcnemar"].size(), 17U);
  for (const json& one : data["mcnemar"]) {
    const auto first = one["first_only"].get<Index>(), second = one["second_only"].get<Index>();
    SCOPED_TRACE(testing::Message() << first << " and " << second);
    const McNemar test = mcnemar_test(first, second);
    EXPECT_EQ(test.first_only, first);
    EXPECT_EQ(test.second_only, second);
    EXPECT_EQ(test.exact, one["exact"].get<bool>());
    EXPECT_DOUBLE_EQ(test.statistic, one["statistic"].get<double>());
    // Statsmodels' tails come from incomplete beta and gamma functions, right to some 1e-14.
    const double p = one["p"].get<double>();
    EXPECT_NEAR(test.p, p, 1e-12 * p);
  }
}

// By hand: 2 of 11 in throws of a coin, (1 + 11 + 55) / 2048, twice; (|40 - 20| - 1)^2 / 60.
TEST(McNemarTest, IsThatOfTheFormula) {
  EXPECT_DOUBLE_EQ(mcnemar_test(9, 2).p, 2 * 67.0 / 2048);
  EXPECT_DOUBLE_EQ(mcnemar_test(2, 9).p, 2 * 67.0 / 2048);
  EXPECT_DOUBLE_EQ(mcnemar_test(40, 20).statistic, 361.0 / 60);
  EXPECT_FALSE(mcnemar_test(40, 20).exact);
  EXPECT_TRUE(mcnemar_test(12, 12).exact);
  EXPECT_FALSE(mcnemar_test(13, 12).exact);
  EXPECT_THROW(mcnemar_test(-1, 3), ShapeError);
  EXPECT_THROW(mcnemar_test(3, -1), ShapeError);
}

// The script has its own Philox, scikit-learn's scores and numpy's quantiles.
TEST(PairedBootstrap, IsThatOfNumpyAndScikitLearn) {
  const json data = golden();
  ASSERT_GE(data["paired"].size(), 3U);
  for (const json& one : data["paired"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const ScoreDifferences found =
        pair_of(one).differences({one["resamples"].get<int>(), one["confidence"].get<double>(),
                                  one["seed"].get<std::uint64_t>()});
    const auto expect = [&](const std::string& name, double value, const Interval& interval) {
      SCOPED_TRACE(name);
      // Differences of shares that are equal to the last bit; interpolating may round otherwise.
      EXPECT_NEAR(value, one[name].get<double>(), 1e-15);
      EXPECT_NEAR(interval.low, one[name + "_interval"][0].get<double>(), 1e-15);
      EXPECT_NEAR(interval.high, one[name + "_interval"][1].get<double>(), 1e-15);
      EXPECT_LT(interval.low, interval.high);
    };
    expect("accuracy", found.accuracy, found.intervals.accuracy);
    expect("uar", found.uar, found.intervals.uar);
    expect("macro_f1", found.macro_f1, found.intervals.macro_f1);
  }
}

TEST(PairedBootstrap, OfARecogniserAndItselfIsNothing) {
  Pair pair = sample();
  pair.second = pair.first;
  const ScoreDifferences found = pair.differences();
  EXPECT_EQ(found.uar, 0);
  EXPECT_EQ(found.intervals.uar.low, 0);
  EXPECT_EQ(found.intervals.uar.high, 0);
}

TEST(PairedBootstrap, TurnsRoundWithThePairAndNotWithThreads) {
  const Pair pair = sample();
  Pair turned = pair;
  std::swap(turned.first, turned.second);
  const ScoreDifferences one = pair.differences(), other = turned.differences();
  EXPECT_EQ(one.accuracy, -other.accuracy);
  EXPECT_NEAR(one.intervals.accuracy.low, -other.intervals.accuracy.high, 1e-15);
  EXPECT_EQ(one.intervals.clusters, 10);
  for (const int threads : {2, 3, 7}) {
    const ScoreDifferences many = pair.differences({}, threads);
    EXPECT_EQ(many.intervals.uar.low, one.intervals.uar.low);
    EXPECT_EQ(many.intervals.macro_f1.high, one.intervals.macro_f1.high);
  }
}

TEST(PairedBootstrap, OneSpeakerGivesNoIntervalAndWhatDoesNotFitIsRefused) {
  Pair pair = sample();
  pair.clusters.assign(pair.clusters.size(), 0);
  EXPECT_TRUE(std::isnan(pair.differences().intervals.uar.low));
  EXPECT_NE(pair.differences().uar, 0);
  pair.second.pop_back();
  EXPECT_THROW(pair.differences(), ShapeError);
  EXPECT_THROW(Pair().differences(), ShapeError);
  EXPECT_THROW(sample().differences({0, 0.95, 1}), ShapeError);
}

}  // namespace
}  // namespace serenade
