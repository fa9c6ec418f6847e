#include "pipeline/metrics/calibration.h"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/device/error.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

TEST(Calibration, IsThatOfNumpysHistograms) {
  std::ifstream file(test::golden_folder() / "bootstrap.json");
  const auto golden = nlohmann::json::parse(file);
  ASSERT_GE(golden["calibration"].size(), 3U);
  for (const auto& one : golden["calibration"]) {
    const auto confidence = one["confidence"].get<std::vector<float>>();
    std::vector<bool> right;
    for (const auto& outcome : one["right"]) right.push_back(outcome.get<int>() == 1);
    const Calibration result = calibration(confidence, right, one["bins"].get<int>());
    ASSERT_EQ(result.bins.size(), one["counts"].size());
    for (std::size_t k = 0; k < result.bins.size(); ++k) {
      EXPECT_EQ(result.bins[k].clips, one["counts"][k].get<Index>()) << k;
    }
    // Sums in another order: a few last digits of float64.
    EXPECT_NEAR(result.expected_error, one["expected_error"].get<double>(), 1e-14);
  }
}

TEST(Calibration, BinsAreClosedAbove) {
  const std::vector<float> confidence{0, 0.25F, 0.5F, 0.75F, 1, 1.0000001F};
  const Calibration result = calibration(confidence, {true, false, true, true, false, true}, 4);
  const std::vector<Index> counts{2, 1, 1, 2};
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(result.bins[k].clips, counts[k]) << k;
  EXPECT_EQ(result.bins[0].low, 0);
  EXPECT_EQ(result.bins[0].high, 0.25);
  EXPECT_EQ(result.bins[0].confidence, 0.125);
  EXPECT_EQ(result.bins[0].accuracy, 0.5);
}

TEST(Calibration, SureAndRightIsPerfectSureAndWrongIsWorst) {
  const std::vector<float> sure(5, 1);
  EXPECT_EQ(calibration(sure, std::vector<bool>(5, true), 10).expected_error, 0);
  EXPECT_EQ(calibration(sure, std::vector<bool>(5, false), 10).expected_error, 1);
  EXPECT_EQ(calibration({}, {}, 10).expected_error, 0);
}

TEST(Calibration, WhatIsNotFiniteIsLeftOut) {
  const std::vector<float> confidence{0.5F, std::numeric_limits<float>::quiet_NaN()};
  const Calibration result = calibration(confidence, {true, true}, 2);
  EXPECT_EQ(result.clips, 1);
  EXPECT_EQ(result.expected_error, 0.5);
}

TEST(Calibration, RefusesWhatDoesNotFit) {
  const std::vector<float> confidence{0.5F};
  EXPECT_THROW(calibration(confidence, {}, 10), ShapeError);
  EXPECT_THROW(calibration(confidence, {true}, 0), ShapeError);
}

}  // namespace
}  // namespace serenade
