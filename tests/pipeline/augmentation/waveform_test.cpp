#include "pipeline/augmentation/waveform.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/dsp/soxr.h"
#include "tests/pipeline/augmentation/copy_of.h"

namespace serenade {
namespace {

using test::copies;
using test::copy_of;
using test::recipe;
using testing::HasSubstr;
using testing::Not;

constexpr int rate = 22050;
using Samples = std::vector<float>;

Samples sine(double hertz, std::size_t size = rate) {
  Samples x(size);
  for (std::size_t i = 0; i < size; ++i) {
    x[i] = static_cast<float>(
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  }
  return x;
}

double power(const Samples& x) {
  double sum = 0;
  for (const float sample : x) sum += double{sample} * sample;
  return sum / static_cast<double>(x.size());
}

/// How many periods a second, by counting where it rises through zero.
double frequency(const Samples& x) {
  std::vector<std::size_t> rises;
  for (std::size_t i = 200; i + 200 < x.size(); ++i) {
    if (x[i] < 0 && x[i + 1] >= 0) rises.push_back(i);
  }
  return rate * static_cast<double>(rises.size() - 1) /
         static_cast<double>(rises.back() - rises.front());
}

TEST(CopyMaker, SpeedIsResampling) {
  const Samples x = sine(500);
  for (const double speed : {0.9, 1.1, 1.0371}) {  // by tables, and by libsoxr itself
    const Samples y = copy_of("speed: " + shortest(speed), x);
    Samples wanted(static_cast<std::size_t>(std::ceil(rate / speed)));
    Soxr<float>(speed * rate, rate)(x, wanted);
    ASSERT_EQ(y.size(), wanted.size());
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], wanted[i], 5e-7) << i;
    // Counted to a sample in 20,000.
    EXPECT_NEAR(frequency(y), 500 * speed, 0.1) << speed;
  }
}

TEST(CopyMaker, DrawsASpeedOfItsOwnForEveryClip) {
  std::vector<double> lengths;
  for (std::uint64_t name = 0; name < 40; ++name) {
    const auto size = copy_of("speed: [0.8, 1.25]", sine(500, 4000), name).size();
    EXPECT_GE(size, 3200U);
    EXPECT_LE(size, 5000U);
    lengths.push_back(static_cast<double>(size));
  }
  std::sort(lengths.begin(), lengths.end());
  EXPECT_GT(std::unique(lengths.begin(), lengths.end()) - lengths.begin(), 35);
  // Drawn evenly: with 40 draws an end of a sixth of the range is empty once in 1,500 seeds.
  EXPECT_LT(lengths.front(), 3400);
  EXPECT_GT(lengths.back(), 4500);
}

TEST(CopyMaker, GainIsInDecibelsAndClipsNothing) {
  const Samples x = sine(500), y = copy_of("gain: 20", x);
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_FLOAT_EQ(y[i], 10 * x[i]);
}

TEST(CopyMaker, TimeShiftKeepsTheLength) {
  const Samples x = {1, 2, 3, 4, 5};
  const auto shifted = [&](int samples) {
    return copy_of("time_shift: " + shortest(static_cast<double>(samples) / rate), x);
  };
  EXPECT_EQ(shifted(2), (Samples{0, 0, 1, 2, 3}));
  EXPECT_EQ(shifted(-2), (Samples{3, 4, 5, 0, 0}));
  EXPECT_EQ(shifted(0), x);
  EXPECT_EQ(shifted(5), Samples(5));
  EXPECT_EQ(shifted(-90), Samples(5));
}

TEST(CopyMaker, NoiseIsWhiteAndAtItsRatio) {
  const Samples x = sine(500, 200000);
  Samples noise = copy_of("noise: 20", x);
  for (std::size_t i = 0; i < x.size(); ++i) noise[i] -= x[i];
  // The power of 200,000 normal numbers is within 5 standard deviations of 0.3 %.
  EXPECT_NEAR(power(noise) / (power(x) / 100), 1, 0.016);
  double mean = 0, next = 0;
  for (std::size_t i = 0; i + 1 < noise.size(); ++i) {
    mean += noise[i];
    next += double{noise[i]} * noise[i + 1];
  }
  const auto n = static_cast<double>(noise.size());
  EXPECT_NEAR(mean / n / std::sqrt(power(noise)), 0, 5 / std::sqrt(n));
  EXPECT_NEAR(next / n / power(noise), 0, 5 / std::sqrt(n));
}

constexpr const char* everything =
    "{speed: [0.8, 1.2], time_stretch: [0.8, 1.2], pitch_shift: [-2, 2], reverb: [0.1, 0.3], "
    "gain: [-6, 6], time_shift: [-0.1, 0.1], noise: [10, 30]}";

TEST(CopyMaker, NoiseLeavesSilenceAndNothingAlone) {
  EXPECT_EQ(copy_of("noise: 0", Samples(3000)), Samples(3000));
  EXPECT_EQ(copy_of(everything, Samples()), Samples());
}

TEST(CopyMaker, TimeStretchKeepsThePitchAndPitchShiftTheLength) {
  const Samples x = sine(500);
  const Samples slower = copy_of("time_stretch: 0.8", x), higher = copy_of("pitch_shift: 7", x);
  EXPECT_EQ(slower.size(), static_cast<std::size_t>(std::nearbyint(rate / 0.8)));
  EXPECT_NEAR(frequency(slower), 500, 0.5);
  EXPECT_EQ(higher.size(), x.size());
  EXPECT_NEAR(frequency(higher), 500 * std::exp2(7.0 / 12), 0.5);
}

TEST(CopyMaker, ReverbIsTheDirectPathAndDecayingNoise) {
  Samples impulse(rate);
  impulse[0] = 0.5;
  const Samples y = copy_of("reverb: 0.4", impulse);
  ASSERT_EQ(y.size(), impulse.size());
  EXPECT_NEAR(y[0], 0.5, 1e-6);
  const auto energy = [&](double from, double to) {
    double sum = 0;
    for (auto i = static_cast<std::size_t>(from * rate) + 1; i < to * rate; ++i) {
      sum += double{y[i]} * y[i];
    }
    return sum;
  };
  // Together as loud as the direct path: within the scatter of some 600 squares of normal numbers.
  EXPECT_NEAR(energy(0, 0.5) / 0.25, 1, 0.25);
  // 60 dB in 0.4 seconds are 15 dB from one tenth of a second to the next.
  EXPECT_NEAR(10 * std::log10(energy(0, 0.1) / energy(0.1, 0.2)), 15, 1.5);
  // Behind it is silence, but for what the transform rounds.
  EXPECT_LT(energy(0.41, 1), 1e-10);
}

TEST(CopyMaker, OperationsAreDoneInTheirOrder) {
  // Gain before noise changes nothing about their ratio; a shift is filled with silence, then
  // noise lies over all of it.
  const Samples y = copy_of("{noise: 20, time_shift: 0.5, gain: -20}", sine(500));
  const Samples gap(y.begin(), y.begin() + rate / 2);
  EXPECT_NEAR(power(gap) / (power(sine(500)) / 100 / 2 / 100), 1, 0.1);
}

TEST(CopyMaker, DrawsHangOnSeedRecipeAndContentAlone) {
  const Samples a = sine(300, 5000), b = sine(700, 3001), c = sine(900, 17);
  const CopyMaker maker{recipe(everything), 2, 7, rate};
  const auto all = copies(maker, {a, b, c}, {1, 2, 3});
  EXPECT_EQ(all[0], copy_of(everything, a, 1, 7, 2));
  EXPECT_EQ(copies(maker, {c, b}, {3, 2}), (std::vector<Samples>{all[2], all[1]}));
  for (const int threads : {2, 7}) EXPECT_EQ(copies(maker, {a, b, c}, {1, 2, 3}, threads), all);
  EXPECT_NE(all[0], copy_of(everything, a, 1, 8, 2)) << "seed";
  EXPECT_NE(all[0], copy_of(everything, a, 1, 7, 1)) << "recipe";
  EXPECT_NE(all[0], copy_of(everything, a, 2, 7, 2)) << "content";
}

TEST(CopyMaker, NoCopyIsLongerThanFeared) {
  for (const char* yaml :
       {"speed: 0.25", "speed: [0.5, 2]", "{gain: 3}", "speed: 4", "time_stretch: 0.25",
        "time_stretch: 3", "pitch_shift: [-9, 9]", "reverb: 1", "{speed: 0.5, time_stretch: 0.5}",
        "{time_stretch: 4, reverb: 1, noise: 3}"}) {
    const CopyMaker maker{recipe(yaml), 0, 1, rate};
    for (const std::size_t size : {1U, 2U, 999U, 4096U}) {
      const auto made = copies(maker, {sine(500, size)}, {1}).front();
      EXPECT_LE(static_cast<Index>(made.size()), maker.most_samples(static_cast<Index>(size)));
    }
  }
}

TEST(CopyMaker, TextSaysWhatDecidesAboutItsBits) {
  const auto text = [](const std::string& yaml, std::size_t number, std::uint64_t seed) {
    return CopyMaker{recipe(yaml), number, seed, rate}.text();
  };
  // Where nothing is drawn, copies serve every seed and place in the list.
  EXPECT_EQ(text("speed: 0.9", 0, 1), text("speed: 0.9", 3, 2));
  EXPECT_THAT(text("speed: 0.9", 0, 1), AllOf(HasSubstr("speed: 0.9"), Not(HasSubstr("noise"))));
  EXPECT_NE(text("noise: 9", 0, 1), text("noise: 9", 1, 1));
  EXPECT_NE(text("noise: 9", 0, 1), text("noise: 9", 0, 2));
  EXPECT_THAT(text("noise: 9", 0, 1), HasSubstr("gaussian_noise: 1"));
}

}  // namespace
}  // namespace serenade
