#include "pipeline/audio/resample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <thread>

#include "kernels/device/error.h"
#include "tests/support/golden.h"
#include "tests/support/load_mono.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

using test::noisy_sine;
using test::resample;

TEST(Resample, LengthIsLibrosas) {
  // int(numpy.ceil(n * (out / in))), evaluated in Python.
  EXPECT_EQ(resampled_length(0, 48000, 22050), 0);
  EXPECT_EQ(resampled_length(1, 48000, 22050), 1);
  EXPECT_EQ(resampled_length(48000, 48000, 22050), 22050);
  EXPECT_EQ(resampled_length(160160, 48000, 22050), 73574);
  EXPECT_EQ(resampled_length(48000, 16000, 22050), 66150);
  EXPECT_EQ(resampled_length(3, 44100, 22050), 2);
  EXPECT_EQ(resampled_length(777, 22050, 22050), 777);
}

TEST(Resample, IsLibrosas) {
  const test::Golden golden("resample.h5");
  const auto signals = golden.groups();
  ASSERT_GE(signals.size(), 7U);
  for (const auto& name : signals) {
    const auto rate = [&](const std::string& key) {
      return static_cast<int>(golden[name + "/" + key].values.at(0));
    };
    const auto found =
        resample(golden[name + "/input"].floats(), rate("input_rate"), rate("output_rate"));
    const auto wanted = golden[name + "/output"].floats();
    ASSERT_EQ(found.size(), wanted.size()) << name;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      // libsoxr's float32 is 5e-7 off its float64, the table 3e-7.
      ASSERT_NEAR(found[i], wanted[i], 5e-7F) << name << " " << i;
    }
  }
}

TEST(Resample, KeepsASineAndRemovesWhatCannotStay) {
  const auto sine = [](Index samples, double frequency, double rate) {
    std::vector<float> signal(static_cast<std::size_t>(samples));
    for (std::size_t i = 0; i < signal.size(); ++i) {
      signal[i] = static_cast<float>(
          std::sin(2 * std::numbers::pi * frequency * static_cast<double>(i) / rate));
    }
    return signal;
  };
  const auto kept = resample(sine(48000, 1000, 48000), 48000, 22050);
  const auto wanted = sine(22050, 1000, 22050);
  const auto gone = resample(sine(48000, 15000, 48000), 48000, 22050);
  ASSERT_EQ(kept.size(), wanted.size());
  for (std::size_t i = 1000; i + 1000 < kept.size(); ++i) {  // the ends ring
    // HQ promises 20 bits; 2e-6 is that against an amplitude of 1.
    ASSERT_NEAR(kept[i], wanted[i], 2e-6) << i;
    ASSERT_NEAR(gone[i], 0, 2e-6) << i;
  }
}

TEST(Resample, SameBitsAgainAndOnAnotherThread) {
  const auto signal = noisy_sine(50'001, 440, 48000, 1);
  const auto first = resample(signal, 48000, 22050);
  // Leaves nothing behind.
  EXPECT_EQ(resample(noisy_sine(7'000, 300, 48000, 2), 48000, 22050).size(), 3216U);
  EXPECT_EQ(resample(signal, 48000, 22050), first);
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  threads.reserve(results.size());
  for (auto& result : results) {
    threads.emplace_back([&] {
      resample(signal, 44100, 22050);
      result = resample(signal, 48000, 22050);
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, first);
}

TEST(Resample, ShortSignalsKeepTheirLength) {
  for (const Index n : {1, 2, 5, 100}) {
    EXPECT_EQ(static_cast<Index>(resample(noisy_sine(n, 100, 8000, 3), 8000, 22050).size()),
              resampled_length(n, 8000, 22050));
  }
  EXPECT_TRUE(resample({}, 8000, 22050).empty());
}

TEST(Resample, RefusesImpossibleRates) {
  EXPECT_THROW(shared_bank(0, 22050), ConfigError);
  EXPECT_THROW(shared_bank(48000, -1), ConfigError);
  EXPECT_THROW(shared_bank(2'000'000'000, 22050), ConfigError);
}

TEST(SharedBank, IsMeasuredOnceForAllThreads) {
  const auto first = shared_bank(32000, 22050);
  ASSERT_TRUE(first);
  std::thread([&] { EXPECT_EQ(shared_bank(32000, 22050)->owner(), first->owner()); }).join();
  EXPECT_FALSE(shared_bank(22050, 22050));
  EXPECT_FALSE(shared_bank(44099, 22050));  // libsoxr's filter does not repeat soon enough
}

TEST(SharedBank, ForgetsTheOldestOfMany) {
  const auto first = shared_bank(24000, 16000);
  ASSERT_TRUE(first);
  for (int rate = 17; rate < 34; ++rate) shared_bank(rate * 1000, 16000);
  const auto again = shared_bank(24000, 16000);
  ASSERT_TRUE(again);
  EXPECT_NE(again->owner(), first->owner());
}

}  // namespace
}  // namespace serenade
