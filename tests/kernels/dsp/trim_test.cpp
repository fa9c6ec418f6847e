#include "kernels/dsp/trim.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dsp/normalise.h"
#include "tests/reference/spectral.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

const std::vector<TrimOptions> settings{
    {60, 2048, 512}, {30, 2048, 512}, {20, 1024, 256}, {12, 512, 100}, {80, 256, 300}};

Ragged one_clip(const std::vector<float>& signal) {
  const auto size = static_cast<Index>(signal.size());
  return Ragged(std::span(&size, 1));
}

Tensor<float> tensor_of(std::vector<float>& signal) {
  return {signal.data(), {static_cast<Index>(signal.size())}};
}

Extent trimmed(std::vector<float> signal, const TrimOptions& options) {
  Context context;
  return trim(context, tensor_of(signal), one_clip(signal), options).front();
}

TEST(Trim, KeepsWhatLibrosaKeeps) {
  const test::Golden golden("librosa_trim.h5");
  std::size_t clips = 0;
  for (const auto& name : golden.groups()) {
    const auto signal = golden[name + "/samples"].floats();
    for (const auto& options : settings) {
      const auto wanted = golden[fmt::format("{}/{} {} {}", name, options.top_db,
                                             options.frame_length, options.hop_length)]
                              .floats();
      const Extent kept = trimmed(signal, options);
      EXPECT_EQ(kept.begin, static_cast<Index>(wanted[0])) << name << " " << options.top_db;
      EXPECT_EQ(kept.end, static_cast<Index>(wanted[1])) << name << " " << options.top_db;
    }
    ++clips;
  }
  EXPECT_EQ(clips, 9U);
}

TEST(Trim, AgreesWithTheDefinition) {
  const test::Golden golden("librosa_trim.h5");
  for (const auto& name : golden.groups()) {
    const auto signal = golden[name + "/samples"].floats();
    for (const auto& options : settings) {
      const auto [begin, end] = reference::trim({signal.begin(), signal.end()}, options.top_db,
                                                options.frame_length, options.hop_length);
      EXPECT_EQ(trimmed(signal, options), (Extent{begin, end})) << name << " " << options.top_db;
    }
  }
}

TEST(Trim, KeepsSilenceWhole) {
  EXPECT_EQ(trimmed(std::vector<float>(1000), {}), (Extent{0, 1000}));
  EXPECT_EQ(trimmed(std::vector<float>(1), {}), (Extent{0, 1}));
  EXPECT_EQ(trimmed({}, {}), (Extent{0, 0}));
}

TEST(Trim, StaysWithinTheClipWhateverItHolds) {
  constexpr float infinite = std::numeric_limits<float>::infinity();
  const float values[] = {std::nanf(""), infinite, -infinite, 3e38F, 1e30F};
  for (const Index size : {1, 511, 512, 5000}) {
    for (const float value : values) {
      for (const Index first : {Index{0}, size / 2, size - 1}) {
        std::vector<float> signal(static_cast<std::size_t>(size), 0.1F);
        std::fill(signal.begin() + first, signal.end(), value);
        const Extent kept = trimmed(signal, {});
        EXPECT_TRUE(0 <= kept.begin && kept.begin <= kept.end && kept.end <= size)
            << kept.begin << " " << kept.end << " of " << size << ", " << value;
      }
    }
  }
  EXPECT_EQ(trimmed(std::vector<float>(5000, infinite), {}), (Extent{0, 5000}));
  // 10^(-top_db / 20) rounds to 1, so that nothing is louder than the threshold.
  EXPECT_EQ(trimmed(std::vector<float>(5000, 0.1F), {.top_db = 1e-17}), (Extent{0, 5000}));
}

TEST(Trim, OfABatchIsThatOfEachClip) {
  const test::Golden golden("librosa_trim.h5");
  std::vector<float> all;
  Ragged samples;
  std::vector<Extent> alone;
  for (const auto& name : golden.groups()) {
    const auto signal = golden[name + "/samples"].floats();
    alone.push_back(trimmed(signal, {.top_db = 30}));
    all.insert(all.end(), signal.begin(), signal.end());
    samples.append(static_cast<Index>(signal.size()));
  }
  for (const int threads : {1, 3}) {
    Context context(threads);
    EXPECT_EQ(trim(context, tensor_of(all), samples, {.top_db = 30}), alone);
  }
}

TEST(Trim, RefusesWhatDoesNotFit) {
  Context context;
  std::vector<float> signal(10);
  const Index more = 11;
  EXPECT_THROW(trim(context, tensor_of(signal), Ragged(std::span(&more, 1)), {}), ShapeError);
  EXPECT_THROW(trimmed(signal, {.top_db = 0}), ConfigError);
  EXPECT_THROW(trimmed(signal, {.frame_length = 3}), ConfigError);
  EXPECT_THROW(trimmed(signal, {.hop_length = 0}), ConfigError);
}

std::vector<float> normalised(std::vector<float> signal, Normalise how) {
  Context context;
  std::vector<float> out(signal.size());
  normalise(context, tensor_of(signal), one_clip(signal), how, tensor_of(out));
  // In its own memory it gives the same.
  normalise(context, tensor_of(signal), one_clip(signal), how, tensor_of(signal));
  EXPECT_EQ(signal, out);
  return out;
}

TEST(Normalise, MakesOneLevel) {
  const auto signal = test::Golden("librosa_trim.h5")["between_noise/samples"].floats();
  double peak = 0;
  for (const float x : normalised(signal, Normalise::peak))
    peak = std::max<double>(peak, std::abs(x));
  EXPECT_EQ(peak, 1);
  double square = 0;
  for (const float x : normalised(signal, Normalise::rms)) square += double{x} * x;
  // Each sample is rounded to float32, 6e-8 of itself.
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(signal.size())), 0.1, 1e-8);
  EXPECT_EQ(normalised(signal, Normalise::none), signal);
  EXPECT_EQ(normalised({0.25F, -0.5F}, Normalise::peak), (std::vector<float>{0.5F, -1}));
  EXPECT_EQ(normalised({1e-30F, 0}, Normalise::peak), (std::vector<float>{1, 0}));
}

TEST(Normalise, LeavesSilenceAsItIs) {
  const std::vector<float> silence(100);
  for (const Normalise how : {Normalise::none, Normalise::peak, Normalise::rms}) {
    EXPECT_EQ(normalised(silence, how), silence);
    EXPECT_TRUE(normalised({}, how).empty());
  }
}

TEST(Normalise, OfABatchIsThatOfEachClip) {
  const test::Golden golden("librosa_trim.h5");
  for (const Normalise how : {Normalise::peak, Normalise::rms}) {
    std::vector<float> all;
    std::vector<float> alone;
    Ragged samples;
    for (const auto& name : golden.groups()) {
      const auto signal = golden[name + "/samples"].floats();
      const auto one = normalised(signal, how);
      all.insert(all.end(), signal.begin(), signal.end());
      alone.insert(alone.end(), one.begin(), one.end());
      samples.append(static_cast<Index>(signal.size()));
    }
    Context context(3);
    normalise(context, tensor_of(all), samples, how, tensor_of(all));
    EXPECT_EQ(all, alone);
  }
}

}  // namespace
}  // namespace serenade
