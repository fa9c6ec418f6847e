#include "pipeline/model/standard_scaler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/device/error.h"

namespace serenade {
namespace {

Array<float> clip_of(Index dims, const std::vector<float>& values) {
  Array<float> clip({static_cast<Index>(values.size()) / dims, dims});
  std::copy(values.begin(), values.end(), clip.data());
  return clip;
}

/// numpy: x = [[1, 10], [2, 30], [6, 20]]; x.mean(0), x.std(0).
TEST(StandardScaler, OfAClipIsMeanAndPopulationDeviation) {
  const StandardScaler scaler = scaler_of(clip_of(2, {1, 10, 2, 30, 6, 20}).view());
  EXPECT_DOUBLE_EQ(scaler.mean[0], 3);
  EXPECT_DOUBLE_EQ(scaler.mean[1], 20);
  EXPECT_DOUBLE_EQ(scaler.scale[0], 2.160246899469287);
  EXPECT_DOUBLE_EQ(scaler.scale[1], 8.16496580927726);
}

TEST(StandardScaler, OfClipsIsThatOfAllTheirFrames) {
  const Array<float> first = clip_of(1, {1000, 1001, 1007}), second = clip_of(1, {-5}),
                     third = clip_of(1, {2, 2.5F});
  std::vector<double> all = {1000, 1001, 1007, -5, 2, 2.5};
  double mean = 0, variance = 0;
  for (const double x : all) mean += x / 6;
  for (const double x : all) variance += (x - mean) * (x - mean) / 6;
  std::vector<Moments> clips = {moments_of(first.view()), moments_of(second.view()),
                                moments_of(third.view())};
  const StandardScaler scaler = scaler_of(clips);
  EXPECT_NEAR(scaler.mean[0], mean, 1e-12 * mean);
  EXPECT_NEAR(scaler.scale[0], std::sqrt(variance), 1e-12 * std::sqrt(variance));
  // In any order, to the bit.
  std::vector<int> order = {0, 1, 2};
  do {
    std::vector<Moments> shuffled;
    for (const int i : order) shuffled.push_back(clips[static_cast<std::size_t>(i)]);
    EXPECT_EQ(scaler_of(shuffled).mean, scaler.mean);
    EXPECT_EQ(scaler_of(shuffled).scale, scaler.scale);
  } while (std::next_permutation(order.begin(), order.end()));
}

/// A mean that float64 cannot hold leaves deviations of an ulp, which are no signal.
TEST(StandardScaler, GivesConstantDimensionsScaleOne) {
  std::vector<Moments> clips;
  for (const std::size_t frames : {1U, 77U, 1001U}) {
    clips.push_back(moments_of(clip_of(1, std::vector<float>(frames, 0.3F)).view()));
    EXPECT_EQ(scaler_of(clips).scale[0], 1.0);
  }
  clips.push_back(moments_of(clip_of(1, {0.3001F}).view()));
  EXPECT_LT(scaler_of(clips).scale[0], 1e-4);
}

TEST(StandardScaler, RefusesNothingAndOddDimensions) {
  EXPECT_THROW(scaler_of(std::vector<Moments>{}), DataError);
  EXPECT_THROW(
      scaler_of({moments_of(clip_of(1, {1}).view()), moments_of(clip_of(2, {1, 2}).view())}),
      ShapeError);
}

}  // namespace
}  // namespace serenade
