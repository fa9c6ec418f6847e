#include "kernels/dsp/stft.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <complex>

#include "tests/kernels/dsp/operations.h"

namespace serenade {
namespace {

TEST(Frames, AreCountedAsLibrosaCountsThem) {
  EXPECT_EQ(frame_count(0, 512), 0);
  EXPECT_EQ(frame_count(1, 512), 1);
  EXPECT_EQ(frame_count(511, 512), 1);
  EXPECT_EQ(frame_count(512, 512), 2);
  EXPECT_EQ(frame_count(55125, 512), 108);
  const std::vector<Index> lengths = {0, 55125, 5};
  const Ragged frames = frames_of(Ragged(lengths), 512);
  EXPECT_EQ(frames.total(), 109);
  EXPECT_EQ(frames.length(1), 108);
  EXPECT_THROW(frames_of(Ragged(lengths), 0), ConfigError);
}

TEST(Stft, RefusesWhatItCannotTransform) {
  EXPECT_THROW(StftPlan({.n_fft = 1000}), ConfigError);
  EXPECT_THROW(StftPlan({.n_fft = 32}), ConfigError);
  EXPECT_THROW(StftPlan({.n_fft = 32768}), ConfigError);
  EXPECT_THROW(StftPlan({.hop_length = 0}), ConfigError);
}

TEST(Stft, RefusesTensorsThatDoNotFit) {
  Context context;
  const StftPlan plan({.n_fft = 64, .hop_length = 16});
  const test::Signals batch({test::noise(100, 1)});
  Array<float> wrong(Shape{6, 33});
  EXPECT_THROW(stft_power(context, plan, batch.view(), batch.clips, wrong.view()), ShapeError);
  Array<float> right(Shape{7, 33});
  EXPECT_NO_THROW(stft_power(context, plan, batch.view(), batch.clips, right.view()));
  EXPECT_THROW(stft(context, plan, batch.view(), batch.clips, right.view()), ShapeError);
  EXPECT_THROW(stft_power(context, plan, batch.view(), Ragged(), right.view()), ShapeError);
  EXPECT_THROW(magnitude(context, right.view(), wrong.view()), ShapeError);
}

// A few frames of every length, at the hop lengths where the layout of blocks changes.
TEST(Stft, EveryLengthOfTransformEqualsTheDefinition) {
  for (int n_fft = 64; n_fft <= 16384; n_fft *= 2) {
    for (const int hop_length : {n_fft / 4, 3 * n_fft + 1}) {
      const std::vector<float> samples = test::noise(2 * hop_length, 5);
      const test::Signals batch({samples});
      const StftPlan plan({.n_fft = n_fft, .hop_length = hop_length});
      Array<float> found(Shape{3, plan.bins(), 2});
      Context context;
      stft(context, plan, batch.view(), batch.clips, found.view());
      const auto expected = reference::stft({samples.begin(), samples.end()}, n_fft, hop_length);
      double peak = 0;
      double worst = 0;
      for (std::size_t t = 0; t < expected.size(); ++t) {
        for (std::size_t k = 0; k < expected[t].size(); ++k) {
          const float* x = found.data() + 2 * (t * expected[t].size() + k);
          const std::complex<double> value(static_cast<double>(x[0]), static_cast<double>(x[1]));
          peak = std::max(peak, std::abs(expected[t][k]));
          worst = std::max(worst, std::abs(value - expected[t][k]));
        }
      }
      // 2^-24 for each of at most 8 passes.
      EXPECT_LE(worst, 5e-7 * peak) << n_fft << " " << hop_length;
    }
  }
}

// Scaling by a power of two is exact in floating point, and so must its result be.
RC_GTEST_PROP(Stft, PowerGrowsWithTheSquareOfTheGain, ()) {
  const auto seed = *rc::gen::inRange<std::uint64_t>(0, 1000);
  const int exponent = *rc::gen::inRange(-8, 9);
  std::vector<float> signal = test::noise(*rc::gen::inRange<Index>(1, 5000), seed);
  const test::Signals quiet({signal});
  for (float& x : signal) x = std::ldexp(x, exponent);
  const test::Signals loud({signal});
  const StftPlan plan({.n_fft = 512, .hop_length = 160});
  const Index frames = frame_count(quiet.clips.total(), 160);
  Array<float> before(Shape{frames, plan.bins()});
  Array<float> after(Shape{frames, plan.bins()});
  Context context;
  stft_power(context, plan, quiet.view(), quiet.clips, before.view());
  stft_power(context, plan, loud.view(), loud.clips, after.view());
  for (Index i = 0; i < before.size(); ++i) {
    RC_ASSERT(after[i] == std::ldexp(before[i], 2 * exponent));
  }
}

}  // namespace
}  // namespace serenade
