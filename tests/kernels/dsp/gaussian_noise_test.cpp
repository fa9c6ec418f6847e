#include "kernels/dsp/gaussian_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/device/philox.h"
#include "tests/support/vector_paths.h"

namespace serenade {
namespace {

std::vector<float> noise(Index size, std::uint64_t key, std::uint32_t stream, int threads = 1) {
  Context context(threads);
  std::vector<float> out(static_cast<std::size_t>(size));
  cpu::gaussian_noise(context, key, stream, {out.data(), {size}});
  return out;
}

class GaussianNoise : public test::OnVectorPath<VectorPath> {};

TEST_P(GaussianNoise, IsBoxAndMullersTransformOfPhilox) {
  const auto found = noise(20001, 5, 3);
  const Philox philox(5);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto words = philox({static_cast<std::uint32_t>(i / 4), 3, 0, 0});
    const std::size_t pair = i % 4 / 2;
    const double radius = std::sqrt(-2 * std::log(((words[2 * pair] >> 8U) + 1) * 0x1p-24));
    const double angle = 2 * std::numbers::pi * (words[2 * pair + 1] >> 8U) * 0x1p-24;
    // A few float32 roundings of numbers up to 5.8.
    EXPECT_NEAR(found[i], radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle)), 1.5e-6) << i;
  }
}

TEST_P(GaussianNoise, HasTheSameBitsOnEveryPathWithAnyThreadsAndLength) {
  const auto found = noise(10000, 1, 1);
  for (const int threads : {2, 3, 7}) EXPECT_EQ(found, noise(10000, 1, 1, threads));
  EXPECT_EQ(std::vector<float>(found.begin(), found.begin() + 4321), noise(4321, 1, 1));
  const test::UseVectorPath scalar(VectorPath::scalar);
  EXPECT_EQ(found, noise(10000, 1, 1));
}

INSTANTIATE_TEST_SUITE_P(Paths, GaussianNoise, test::every_vector_path, test::PathName());

TEST(GaussianNoiseMoments, AreThoseOfTheNormalDistribution) {
  constexpr Index size = 1'000'000;
  const auto all = noise(size, 11, 2);
  double first = 0, second = 0, third = 0, fourth = 0, beyond = 0;
  for (const float x : all) {
    first += x;
    second += std::pow(x, 2);
    third += std::pow(x, 3);
    fourth += std::pow(x, 4);
    beyond += std::abs(x) > 3 ? 1 : 0;
  }
  // Within five standard deviations of each mean: sqrt(1, 2, 15, 96) / 1000.
  EXPECT_NEAR(first / size, 0, 0.005);
  EXPECT_NEAR(second / size, 1, 0.0071);
  EXPECT_NEAR(third / size, 0, 0.0194);
  EXPECT_NEAR(fourth / size, 3, 0.049);
  EXPECT_NEAR(beyond / size, 0.0027, 0.00026);
}

}  // namespace
}  // namespace serenade
