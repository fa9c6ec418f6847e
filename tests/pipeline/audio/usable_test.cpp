#include "pipeline/audio/usable.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace serenade {
namespace {

TEST(Usable, AllSamplesUpToTheLoudestAre) {
  EXPECT_EQ(first_unusable({}), std::nullopt);
  const std::vector<float> samples(10'000, -loudest_sample);
  EXPECT_EQ(first_unusable(samples), std::nullopt);
}

TEST(Usable, TheFirstOfSeveralIsFoundWhereverItLies) {
  using Limits = std::numeric_limits<float>;
  for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), 2e12F}) {
    for (const std::size_t at : {0, 1, 7, 4095, 4096, 4097, 8191, 8192, 8999}) {
      std::vector<float> samples(9000, 0.5F);
      samples[at] = samples.back() = bad;
      EXPECT_EQ(first_unusable(samples), static_cast<Index>(at)) << bad;
    }
  }
}

}  // namespace
}  // namespace serenade
