#include "pipeline/model/network_input.h"

#include <gtest/gtest.h>

#include <numeric>

#include "kernels/device/error.h"

namespace serenade {
namespace {

/// [frames, 2]: frame f is (f, 10 f).
Array<float> ramp(Index frames) {
  Array<float> x({frames, 2});
  for (Index f = 0; f < frames; ++f) {
    x[2 * f] = static_cast<float>(f);
    x[2 * f + 1] = static_cast<float>(10 * f);
  }
  return x;
}

const StandardScaler halves{{1, 10}, {2, 20}};  // frame f becomes ((f - 1) / 2, (f - 1) / 2)

std::vector<float> written(const NetworkInput& input, const Array<float>& features) {
  Array<float> row(input.shape());
  row.fill(-99);
  input.write(features.view(), row.view());
  return {row.data(), row.data() + row.size()};
}

TEST(NetworkInput, TakesFramesAsTheyAreWhenTheyFit) {
  const NetworkInput input(InputLayout::frames, halves, 3);
  EXPECT_EQ(input.shape(), (Shape{3, 2}));
  EXPECT_EQ(written(input, ramp(3)), (std::vector<float>{-.5, -.5, 0, 0, .5, .5}));
}

TEST(NetworkInput, PadsWithZerosAtTheEndAfterStandardising) {
  const NetworkInput input(InputLayout::frames, halves, 4);
  EXPECT_EQ(written(input, ramp(2)), (std::vector<float>{-.5, -.5, 0, 0, 0, 0, 0, 0}));
}

TEST(NetworkInput, CropsToTheMiddle) {
  const NetworkInput input(InputLayout::frames, halves, 2);
  // Of 5 frames 1 and 2, of 6 frames 2 and 3: the odd one is cut at the end.
  EXPECT_EQ(written(input, ramp(5)), (std::vector<float>{0, 0, .5, .5}));
  EXPECT_EQ(written(input, ramp(6)), (std::vector<float>{.5, .5, 1, 1}));
}

TEST(NetworkInput, LaysAVectorAlongTime) {
  const NetworkInput input(InputLayout::statistics, halves, 1);
  EXPECT_EQ(input.shape(), (Shape{2, 1}));
  Array<float> features({1, 2});
  features[0] = 3;
  features[1] = 20;
  EXPECT_EQ(written(input, features), (std::vector<float>{1, .5}));
}

TEST(NetworkInput, StandardisesByTheScalerThatComesWithTheClip) {
  const StandardScaler useless{{0, 0}, {1, 1}}, tenths{{0, 0}, {10, 100}};
  for (const Normalisation by : {Normalisation::clip, Normalisation::speaker}) {
    const NetworkInput input(InputLayout::frames, useless, 2, Windows::average, by);
    Array<float> row(input.shape());
    input.write(ramp(2).view(), row.view(), &halves);
    EXPECT_EQ(std::vector<float>(row.data(), row.data() + 4), (std::vector<float>{-.5, -.5, 0, 0}));
    input.write_window(ramp(4).view(), 2, row.view(), &tenths);
    EXPECT_EQ(std::vector<float>(row.data(), row.data() + 4),
              (std::vector<float>{.2F, .2F, .3F, .3F}));
    EXPECT_THROW(input.write(ramp(2).view(), row.view()), DataError);
    const StandardScaler other{{0}, {1}};
    EXPECT_THROW(input.write(ramp(2).view(), row.view(), &other), DataError);
  }
  // A global one looks at no other.
  const NetworkInput input(InputLayout::frames, halves, 2);
  Array<float> row(input.shape());
  input.write(ramp(2).view(), row.view(), &tenths);
  EXPECT_EQ(std::vector<float>(row.data(), row.data() + 4), (std::vector<float>{-.5, -.5, 0, 0}));
}

TEST(NetworkInput, RefusesWhatDoesNotFit) {
  const NetworkInput frames(InputLayout::frames, halves, 3);
  const NetworkInput statistics(InputLayout::statistics, halves, 1);
  EXPECT_THROW(written(frames, Array<float>({3, 3})), ShapeError);
  EXPECT_THROW(written(frames, Array<float>({0, 2})), ShapeError);
  EXPECT_THROW(written(frames, Array<float>({6})), ShapeError);
  EXPECT_THROW(written(statistics, Array<float>({2, 2})), ShapeError);
  Array<float> row({2, 2});
  EXPECT_THROW(frames.write(ramp(3).view(), row.view()), ShapeError);

  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(NetworkInput(InputLayout::statistics, halves, 2), ConfigError);
  EXPECT_THROW(NetworkInput(InputLayout::frames, halves, 0), ConfigError);
  EXPECT_THROW(NetworkInput(InputLayout::frames, {{}, {}}, 1), ConfigError);
  EXPECT_THROW(NetworkInput(InputLayout::frames, {{1, 2}, {1}}, 1), ConfigError);
  EXPECT_THROW(NetworkInput(InputLayout::frames, {{1}, {0}}, 1), ConfigError);
  EXPECT_THROW(NetworkInput(InputLayout::frames, {{nan}, {1}}, 1), ConfigError);
}

TEST(NetworkInput, CutsLongClipsIntoOverlappingWindows) {
  const auto starts = [](Index frames, Index clip, Windows windows = Windows::average) {
    return NetworkInput(InputLayout::frames, {{0}, {1}}, frames, windows).window_starts(clip);
  };
  using Starts = std::vector<Index>;
  EXPECT_EQ(starts(10, 3), Starts{0});
  EXPECT_EQ(starts(10, 10), Starts{0});
  EXPECT_EQ(starts(10, 11), (Starts{0, 1}));
  EXPECT_EQ(starts(10, 15), (Starts{0, 5}));
  EXPECT_EQ(starts(10, 16), (Starts{0, 5, 6}));
  EXPECT_EQ(starts(10, 30), (Starts{0, 5, 10, 15, 20}));
  EXPECT_EQ(starts(7, 14), (Starts{0, 3, 6, 7}));
  EXPECT_EQ(starts(1, 3), (Starts{0, 1, 2}));
  EXPECT_EQ(starts(10, 30, Windows::centre), Starts{10});
  EXPECT_EQ(starts(10, 8, Windows::centre), Starts{0});
  EXPECT_EQ(NetworkInput(InputLayout::statistics, {{0}, {1}}, 1).window_starts(1), Starts{0});
}

TEST(NetworkInput, WritesTheWindowAsked) {
  const NetworkInput input(InputLayout::frames, {{1}, {2}}, 3);
  Array<float> clip({5, 1}), row({3, 1});
  for (Index i = 0; i < 5; ++i) clip[i] = static_cast<float>(2 * i + 1);  // standardised: i
  const auto written = [&](Index start) {
    input.write_window(clip.view(), start, row.view());
    return std::vector<float>(row.span().begin(), row.span().end());
  };
  EXPECT_EQ(written(0), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(written(2), (std::vector<float>{2, 3, 4}));
  EXPECT_EQ(written(4), (std::vector<float>{4, 0, 0}));
  input.write(clip.view(), row.view());
  EXPECT_EQ(row[0], 1);
  EXPECT_THROW(written(5), ShapeError);
  EXPECT_THROW(written(-1), ShapeError);
}

}  // namespace
}  // namespace serenade
