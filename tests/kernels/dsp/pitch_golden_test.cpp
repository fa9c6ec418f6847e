// Pitch against librosa.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/dsp/pyin.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;

class GoldenPitch : public testing::TestWithParam<std::string> {
 protected:
  GoldenPitch() : samples_(std::vector<Index>{}) {
    const std::vector<float> values = test::Golden("librosa.h5")[GetParam() + "/samples"].floats();
    signal_.resize(Shape{static_cast<Index>(values.size())});
    std::copy(values.begin(), values.end(), signal_.data());
    samples_.append(signal_.size());
  }
  std::vector<double> wanted(const std::string& what) const {
    return test::Golden("librosa_shelf.h5")[GetParam() + "/" + what].values;
  }
  bool is_impulse() const { return GetParam() == "impulse"; }
  void expect_yin(const YinPlan& plan, const std::string& what, Index others_of_a_hundred) {
    const std::vector<double> all = wanted(what);
    Array<float> found(Shape{static_cast<Index>(all.size()), 1});
    yin(context_, plan, {}, signal_.view(), samples_, found.view());
    Index other = 0;
    for (Index t = 0; t < found.size(); ++t) {
      const double hz = all[static_cast<std::size_t>(t)];
      if (std::abs(static_cast<double>(found[t]) - hz) <= 2e-4 * hz) continue;
      ++other;
      RecordProperty("frame_" + std::to_string(t),
                     std::to_string(found[t]) + " instead of " + std::to_string(hz));
    }
    EXPECT_LE(other, found.size() * others_of_a_hundred / 100) << what;
  }
  void expect_pyin(const PyinPlan& plan, const std::string& what, Index others_of_a_hundred) {
    const std::vector<double> all = wanted(what);
    const auto frames = static_cast<Index>(all.size()) / 3;
    Array<float> found(Shape{frames, 3});
    pyin(context_, plan, signal_.view(), samples_, found.view());
    Index other = 0;
    for (Index t = 0; t < frames; ++t) {
      const auto at = static_cast<std::size_t>(3 * t);
      EXPECT_NEAR(static_cast<double>(found[3 * t]), all[at], 1e-6 * all[at]) << "frame " << t;
      EXPECT_EQ(static_cast<double>(found[3 * t + 1]), all[at + 1]) << "frame " << t;
      if (std::abs(static_cast<double>(found[3 * t + 2]) - all[at + 2]) > 1e-5) ++other;
    }
    if (is_impulse()) return;
    EXPECT_LE(other, frames * others_of_a_hundred / 100) << what;
  }

  Context context_;
  Array<float> signal_;
  Ragged samples_;
};

// librosa correlates in float32, which moves differences by 1e-6. Where a frame has no period of
// its own, which of two minima is the lower, or first below the threshold, may hang on that: in at
// most one frame of a hundred. Of an impulse's differences, all 1, any rounding decides.
TEST_P(GoldenPitch, Yin) {
  if (is_impulse()) return;
  expect_yin(YinPlan({}, sample_rate, {}), "yin", 1);
}

// The same way through the clip: every pitch and voicing. Probabilities where no trough lies at one
// of the thresholds: in all but one frame of a hundred.
TEST_P(GoldenPitch, Pyin) { expect_pyin(PyinPlan({}, sample_rate, {}), "pyin", 1); }

// Where frames are short their first sample shows, which librosa's difference function keeps at lag
// 1. In them every frame is decided.
TEST_P(GoldenPitch, OfShortFrames) {
  const PitchRange range{.fmin = 100, .fmax = 4000};
  const FrameOptions frames{.frame_length = 256, .hop_length = 80};
  expect_pyin(PyinPlan(PyinOptions{range}, 8000, frames), "pyin_short", 0);
  if (is_impulse()) return;
  expect_yin(YinPlan(range, 8000, frames), "yin_short", 0);
}

INSTANTIATE_TEST_SUITE_P(Librosa, GoldenPitch,
                         testing::ValuesIn(test::Golden("librosa_shelf.h5").groups()),
                         [](const auto& signal) { return signal.param; });

TEST(Yin, FindsTheFrequencyOfATone) {
  Context context;
  for (const double hz : {70.0, 220.5, 440.0, 1999.0}) {
    std::vector<float> tone;
    for (int i = 0; i < 22050; ++i) {
      tone.push_back(static_cast<float>(std::sin(2 * 3.14159265358979 * hz * i / sample_rate)));
    }
    const Ragged samples(std::vector<Index>{22050});
    Array<float> found(Shape{44, 1});
    Array<float> way(Shape{44, 3});
    const Tensor<const float> signal(tone.data(), Shape{22050});
    yin(context, YinPlan({}, sample_rate, {}), {}, signal, samples, found.view());
    pyin(context, PyinPlan({}, sample_rate, {}), signal, samples, way.view());
    for (Index t = 4; t < 40; ++t) {
      EXPECT_NEAR(found[t], hz, 0.01 * hz);
      // Pitches are a tenth of a semitone apart.
      EXPECT_NEAR(way[3 * t], hz, 0.01 * hz);
      EXPECT_EQ(way[3 * t + 1], 1.0F);
    }
  }
}

// Long clips are followed in blocks, each computed a second time on the way back.
TEST(Pyin, FollowsLongClipsAsShortOnes) {
  std::vector<float> glide;
  double phase = 0;
  for (int i = 0; i < 1200 * 256; ++i) {
    const double part = static_cast<double>(i) / (1200 * 256);
    phase += 2 * 3.14159265358979 * 120 * (1 + part) / sample_rate;
    glide.push_back(static_cast<float>(i % 90000 > 70000 ? 0.0 : 0.3 * std::sin(phase)));
  }
  Context context;
  const FrameOptions frames{1024, 256};
  const Ragged samples(std::vector<Index>{static_cast<Index>(glide.size())});
  Array<float> way(Shape{1201, 3});
  pyin(context, PyinPlan(PyinOptions{{.fmin = 60, .fmax = 600}}, sample_rate, frames),
       Tensor<const float>(glide.data(), Shape{samples.total()}), samples, way.view());
  Index voiced = 0;
  for (Index t = 8; t < 1190; ++t) {
    // Where a frame is half a pause, neither is the truth.
    const Index sample = t * 256 % 90000;
    const bool at_edge = std::abs(sample - 70000) < 1024 || sample < 1024 || sample > 90000 - 1024;
    if (way[3 * t + 1] == 0.0F || at_edge) continue;
    ++voiced;
    const double hz = 120 * (1 + static_cast<double>(t) / 1200);
    EXPECT_NEAR(way[3 * t], hz, 0.015 * hz) << t;
  }
  EXPECT_GT(voiced, 900);
}

TEST(Yin, RefusesWhatDoesNotFit) {
  const auto complaint = [](const PitchRange& range, const FrameOptions& frames) {
    return test::error_of<ConfigError>([&] { YinPlan(range, sample_rate, frames); });
  };
  EXPECT_NE(complaint({.fmin = 300, .fmax = 200}, {}).find("fmin < fmax"), std::string::npos);
  EXPECT_NE(complaint({.fmax = 12000}, {}).find("half the sample rate"), std::string::npos);
  EXPECT_NE(complaint({.fmin = 10}, {}).find("does not fit into a frame"), std::string::npos);
  EXPECT_NE(complaint({}, {1000, 512}).find("power of two"), std::string::npos);
  PyinOptions fast;
  fast.max_transition_rate = 1000;
  EXPECT_THROW(PyinPlan(fast, sample_rate, {2048, 1 << 15}), ConfigError);
  Context context;
  Array<float> signal(Shape{3000});
  Array<float> out(Shape{5, 1});
  const Ragged samples(std::vector<Index>{3000});
  EXPECT_THROW(yin(context, YinPlan({}, sample_rate, {}), {}, signal.view(), samples, out.view()),
               ShapeError);
}

}  // namespace
}  // namespace serenade
