#include <gtest/gtest.h>

#include <cmath>

#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/zero_crossing.h"
#include "tests/kernels/dsp/operations.h"

/// What is particular about each operation that works clip by clip; operations_test.cpp holds what
/// is the same for all.
namespace serenade {
namespace {

Ragged ragged(const std::vector<Index>& lengths) { return Ragged(lengths); }

Tensor<const float> as_matrix(const std::vector<float>& values, Index dims) {
  return {values.data(), Shape{static_cast<Index>(values.size()) / dims, dims}};
}

std::vector<float> run_db(const std::vector<float>& power, const std::vector<Index>& clips,
                          const PowerToDbOptions& options) {
  Context context;
  std::vector<float> out(power.size());
  const Tensor<float> to(out.data(), Shape{static_cast<Index>(out.size()), 1});
  power_to_db(context, as_matrix(power, 1), ragged(clips), options, to);
  return out;
}

TEST(PowerToDb, TakesTheMaximumOfEachClipNotOfTheBatch) {
  const auto db = run_db({1e6F, 1e-4F, 1e-4F, 1e-5F}, {2, 0, 2}, {});
  EXPECT_NEAR(db[0], 60, 1e-5);
  EXPECT_NEAR(db[1], -20, 1e-5);  // 80 below the first clip's maximum
  EXPECT_NEAR(db[2], -40, 1e-5);
  EXPECT_NEAR(db[3], -50, 1e-5);
}

TEST(PowerToDb, FollowsItsOptions) {
  const auto all = run_db({1e6F, 1e-9F, 0.0F}, {3}, {.top_db = std::nullopt});
  EXPECT_NEAR(all[1], -90, 1e-4);
  EXPECT_NEAR(all[2], -100, 1e-4);
  const auto relative = run_db({100.0F, 1.0F}, {2}, {.ref = 100.0});
  EXPECT_NEAR(relative[0], 0, 1e-5);
  EXPECT_NEAR(relative[1], -20, 1e-5);
  const auto floored = run_db({1.0F, 1e-9F}, {2}, {.amin = 1e-3});
  EXPECT_NEAR(floored[1], -30, 1e-5);
  EXPECT_THROW(run_db({1.0F}, {1}, {.amin = 0}), ConfigError);
  EXPECT_THROW(run_db({1.0F}, {1}, {.top_db = -1.0}), ConfigError);
  EXPECT_THROW(run_db({1.0F}, {2}, {}), ShapeError);
}

std::vector<float> run_delta(const std::vector<float>& features, const std::vector<Index>& clips,
                             Index dims, const DeltaOptions& options) {
  Context context;
  std::vector<float> out(features.size());
  delta(context, as_matrix(features, dims), ragged(clips), options,
        Tensor<float>(out.data(), Shape{static_cast<Index>(out.size()) / dims, dims}));
  return out;
}

TEST(Delta, OfAPolynomialIsItsDerivativeUpToTheEnds) {
  std::vector<float> features;
  for (int t = 0; t < 12; ++t) {
    features.push_back(3.0F * static_cast<float>(t) - 7.0F);
    features.push_back(static_cast<float>(t * t));
  }
  const auto first = run_delta(features, {12}, 2, {});
  const auto second = run_delta(features, {12}, 2, {.order = 2});
  for (std::size_t t = 0; t < 12; ++t) {
    EXPECT_NEAR(first[2 * t], 3, 1e-5);
    EXPECT_NEAR(second[2 * t], 0, 1e-5);
    EXPECT_NEAR(second[2 * t + 1], 2, 1e-5);
  }
}

TEST(Delta, OfAConstantIsExactlyZero) {
  const std::vector<float> features(20, -1131.371F);
  for (const int order : {1, 2}) {
    for (const float x : run_delta(features, {20}, 1, {.order = order})) EXPECT_EQ(x, 0.0F);
  }
}

TEST(Delta, AClipShorterThanTheWidthRepeatsItsEnds) {
  // Widths 9: sum of k (x[t + k] - x[t - k]) over 60, x clamped to 0 .. 1.
  const auto found = run_delta({5.0F, 0.0F, 1.0F}, {1, 2}, 1, {});
  EXPECT_EQ(found[0], 0.0F);
  EXPECT_NEAR(found[1], 10.0 / 60, 1e-7);
  EXPECT_NEAR(found[2], 10.0 / 60, 1e-7);
}

TEST(Delta, EqualsTheLeastSquaresFit) {
  const auto values = test::noise(23 * 3, 6, 100);
  reference::Matrix rows;
  for (std::size_t t = 0; t < 23; ++t) {
    rows.emplace_back(values.begin() + static_cast<long>(3 * t),
                      values.begin() + static_cast<long>(3 * t + 3));
  }
  for (const auto& [width, order] : {std::pair{9, 1}, {9, 2}, {3, 1}, {3, 2}, {5, 3}, {25, 2}}) {
    const auto found = run_delta(values, {23}, 3, {width, order});
    const auto expected = reference::delta(rows, width, order);
    for (std::size_t i = 0; i < found.size(); ++i) {
      // Values of 100 in float32, weights of at most 3.
      EXPECT_NEAR(found[i], expected[i / 3][i % 3], 5e-5) << width << " " << order;
    }
  }
}

TEST(Delta, RefusesWidthsThatFitNothing) {
  const std::vector<float> features(12, 0.0F);
  EXPECT_THROW(run_delta(features, {12}, 1, {.width = 8}), ConfigError);
  EXPECT_THROW(run_delta(features, {12}, 1, {.width = 1}), ConfigError);
  EXPECT_THROW(run_delta(features, {12}, 1, {.width = 3, .order = 3}), ConfigError);
  EXPECT_THROW(run_delta(features, {11}, 1, {}), ShapeError);
}

std::vector<float> run_zero_crossing(const std::vector<float>& samples,
                                     const FrameOptions& options) {
  Context context;
  const test::Signals batch({samples});
  std::vector<float> out(
      static_cast<std::size_t>(frames_of(batch.clips, options.hop_length).total()));
  zero_crossing_rate(context, batch.view(), batch.clips, options,
                     Tensor<float>(out.data(), Shape{static_cast<Index>(out.size()), 1}));
  return out;
}

TEST(ZeroCrossingRate, CountsNoCrossingAtTheFirstSampleOfAFrame) {
  // Frames of 4 around samples 0, 2, 4; the sign changes at every sample.
  const auto found = run_zero_crossing({1, -1, 1, -1, 1}, {4, 2});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0], 0.25F);  // 1 1 | 1 -1
  EXPECT_EQ(found[1], 0.75F);  // 1 -1 | 1 -1: three
  EXPECT_EQ(found[2], 0.5F);   // 1 -1 | 1 1: two
}

TEST(ZeroCrossingRate, TakesTinyNumbersForZeroAndZeroForPositive) {
  EXPECT_EQ(run_zero_crossing({1e-11F, -1e-11F, 1e-11F, -1e-11F}, {4, 4})[1], 0.0F);
  EXPECT_EQ(run_zero_crossing({-1, 0, -1, -0.0F}, {8, 8})[0], 0.375F);
  EXPECT_EQ(run_zero_crossing({1, 0, 1, 0}, {8, 8})[0], 0.0F);
  EXPECT_THROW(run_zero_crossing({1}, {5, 2}), ConfigError);
}

TEST(Rms, OfAConstantIsItsSizeInsideAndLessAtTheEnds) {
  Context context;
  const test::Signals batch({std::vector<float>(64, -0.5F)});
  std::vector<float> out(9);
  rms(context, batch.view(), batch.clips, {16, 8}, Tensor<float>(out.data(), Shape{9, 1}));
  EXPECT_FLOAT_EQ(out[0], 0.5F * std::sqrt(0.5F));
  for (std::size_t t = 1; t < 8; ++t) EXPECT_FLOAT_EQ(out[t], 0.5F);
  EXPECT_FLOAT_EQ(out[8], 0.5F * std::sqrt(0.5F));
}

std::vector<float> run_statistics(const std::vector<float>& features,
                                  const std::vector<Index>& clips, Index dims,
                                  const std::vector<std::string>& names) {
  Context context;
  const auto columns = dims * static_cast<Index>(names.size());
  std::vector<float> out(clips.size() * static_cast<std::size_t>(columns));
  statistics(context, as_matrix(features, dims), ragged(clips), {names},
             Tensor<float>(out.data(), Shape{static_cast<Index>(clips.size()), columns}));
  return out;
}

TEST(Statistics, AreLaidOutStatisticByStatistic) {
  const auto found = run_statistics({1, 10, 2, 40, 6, 10, 7, 8}, {3, 1}, 2,
                                    {"mean", "std", "min", "max", "median", "p25"});
  const std::vector<float> first = {
      3, 20, std::sqrt(14.0F / 3), std::sqrt(200.0F), 1, 10, 6, 40, 2, 10, 1.5, 10};
  const std::vector<float> second = {7, 8, 0, 0, 7, 8, 7, 8, 7, 8, 7, 8};
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_FLOAT_EQ(found[i], first[i]) << i;
    EXPECT_FLOAT_EQ(found[12 + i], second[i]) << i;
  }
}

TEST(Statistics, MeanOfManyFramesDoesNotDrift) {
  // In float32 the running sum would stand still at 2^24.
  const std::vector<float> ones(40'000'000 / 2, 1.0F);
  EXPECT_EQ(run_statistics(ones, {20'000'000}, 1, {"mean"})[0], 1.0F);
}

TEST(Statistics, RefusesWhatItDoesNotKnow) {
  const std::vector<float> one = {1};
  for (const std::string name : {"", "avg", "p", "p101", "p-1", "pnan", "p1e1", "p10x", "Mean"}) {
    EXPECT_THROW(run_statistics(one, {1}, 1, {name}), ConfigError) << name;
  }
  EXPECT_THROW(run_statistics(one, {1}, 1, {}), ConfigError);
  EXPECT_THROW(run_statistics(one, {1}, 1, {"mean", "mean"}), ConfigError);
  EXPECT_THROW(run_statistics(one, {1, 0}, 1, {"mean"}), ShapeError);
}

}  // namespace
}  // namespace serenade
