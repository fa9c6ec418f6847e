#include "pipeline/audio/levels.h"

#include <gtest/gtest.h>

namespace serenade {
namespace {

Levels of(std::vector<float> samples, int channels = 1) {
  return measure_levels({std::move(samples), 16000, channels});
}

TEST(Levels, PeakIsTheLargestMagnitude) {
  EXPECT_EQ(of({}).peak, 0.0F);
  EXPECT_EQ(of({0, 0}).peak, 0.0F);
  EXPECT_EQ(of({0.25F, -0.5F, 0.1F}).peak, 0.5F);
  EXPECT_EQ(of({0.1F, 1.5F}, 2).peak, 1.5F);
}

TEST(Levels, OnlyRunsAtFullScaleAreClipped) {
  constexpr float top = 32767.0F / 32768;
  EXPECT_EQ(of({0, top, top, 0, top, 0.5F, -1, -1}).clipped_share, 0.0);  // two in a row at most
  EXPECT_EQ(of({0, top, top, top, 0, 0}).clipped_share, 0.5);
  EXPECT_EQ(of({top, top, -1, -1, top, top}).clipped_share, 0.0);  // three of one sign are wanted
  EXPECT_EQ(of({-1, -1, -1, 0, top, top, top, top}).clipped_share, 7.0 / 8);
  EXPECT_EQ(of({0.99F, 0.99F, 0.99F, 0.99F}).clipped_share, 0.0);
  EXPECT_EQ(of({2, 3, 2, 0}).clipped_share, 0.75);  // float files go beyond
}

TEST(Levels, ChannelsAreCountedApart) {
  // Left: three in a row. Right: never more than one.
  EXPECT_EQ(of({1, 0, 1, 1, 1, 0, 0, 0}, 2).clipped_share, 3.0 / 8);
  // Interleaved, but never three in a row in either.
  EXPECT_EQ(of({1, 1, 1, 1, 0, 0, 1, 1}, 2).clipped_share, 0.0);
}

}  // namespace
}  // namespace serenade
