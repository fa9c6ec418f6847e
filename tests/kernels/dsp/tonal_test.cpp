// Chroma, tuning, spectral contrast and tonnetz: against float64 definitions, and properties.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <random>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/tuning.h"
#include "tests/reference/tonal.h"
#include "tests/support/compare.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;
constexpr int n_fft = 2048;
constexpr Index bins = 1 + n_fft / 2;

/// Frames that look like speech spectra: a noise floor that falls with frequency and harmonics.
Array<float> spectra(Index frames, unsigned seed) {
  std::mt19937 random(seed);
  std::exponential_distribution<float> noise(1.0F);
  std::uniform_real_distribution<float> pitch(90, 300);
  Array<float> power(Shape{frames, bins});
  for (Index t = 0; t < frames; ++t) {
    const float f0 = pitch(random);
    for (Index bin = 0; bin < bins; ++bin) {
      const float hz = static_cast<float>(bin) * 22050.0F / 2048.0F;
      const float off = std::remainder(hz, f0) / 12.0F;
      const float envelope = std::exp(-hz / 1500.0F);
      power[t * bins + bin] = envelope * (noise(random) * 1e-4F + 50 * std::exp(-off * off));
    }
  }
  return power;
}

reference::Matrix rows_of(Tensor<const float> matrix) {
  reference::Matrix rows;
  for (Index t = 0; t < matrix.extent(0); ++t) {
    const auto row = matrix.row(t).span();
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}

std::vector<double> flat(const reference::Matrix& matrix) {
  std::vector<double> all;
  for (const auto& row : matrix) all.insert(all.end(), row.begin(), row.end());
  return all;
}

test::Deviation against(const Array<float>& found, const reference::Matrix& wanted) {
  const std::vector<double> all = flat(wanted);
  return test::deviation(found.span(), all);
}

Ragged one_clip(Index frames) { return Ragged(std::vector<Index>{frames}); }

Array<float> chroma_of(Context& context, const Array<float>& power, const Ragged& frames,
                       const ChromaOptions& options = {}) {
  const ChromaBank bank(options, sample_rate, n_fft);
  Array<float> out(Shape{frames.total(), bank.n_chroma()});
  chroma_stft(context, power.view(), frames, bank, out.view());
  return out;
}

Array<float> contrast_of(Context& context, const Array<float>& magnitude, const Ragged& frames,
                         const SpectralContrastOptions& options = {}) {
  const ContrastBands bands(options, sample_rate, n_fft);
  Array<float> out(Shape{frames.total(), bands.rows()});
  spectral_contrast(context, magnitude.view(), frames, bands, out.view());
  return out;
}

Array<float> tonnetz_of(Context& context, const Array<float>& chroma) {
  Array<float> out(Shape{chroma.shape()[0], 6});
  tonnetz(context, chroma.view(), out.view());
  return out;
}

Array<float> tuning_of(Context& context, const Array<float>& power, const Ragged& frames) {
  Array<float> out(Shape{frames.clips()});
  estimate_tuning(context, power.view(), frames, sample_rate, 12, out.view());
  return out;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST(Chroma, FollowsItsDefinition) {
  Context context;
  const Array<float> power = spectra(21, 1);
  const reference::Matrix rows = rows_of(power.view());
  for (const int n_chroma : {12, 24, 7, 36}) {
    for (const double tuning : {0.0, -0.37, 0.25}) {
      const Array<float> found =
          chroma_of(context, power, one_clip(21), {.n_chroma = n_chroma, .tuning = tuning});
      const auto d = against(found, reference::chroma(rows, sample_rate, n_chroma, tuning));
      // Sums of 1025 products of float32 in runs of 64: a few units in the last place.
      EXPECT_LT(d.largest, 1e-6) << n_chroma << " classes: " << to_string(d);
    }
  }
}

TEST(Chroma, EstimatesTheTuningOfEachClip) {
  Context context;
  const std::vector<Index> lengths{13, 1, 30, 17};
  const Ragged frames(lengths);
  const Array<float> power = spectra(frames.total(), 2);
  const Array<float> tuning = tuning_of(context, power, frames);
  const reference::Matrix rows = rows_of(power.view());
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    const reference::Matrix own(rows.begin() + frames.begin(clip), rows.begin() + frames.end(clip));
    // Values are steps of 0.01: any other step is a different result.
    EXPECT_NEAR(static_cast<double>(tuning[clip]), reference::tuning(own, sample_rate, 12), 1e-6);
  }
  const Array<float> estimated = chroma_of(context, power, frames);
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    const auto step = tuning_of_step(tuning_step_of(static_cast<double>(tuning[clip])));
    const Array<float> told = chroma_of(context, power, frames, {.tuning = step});
    EXPECT_TRUE(
        same_bits(estimated.view().rows(frames.begin(clip), frames.end(clip)).span(),
                  std::as_const(told).view().rows(frames.begin(clip), frames.end(clip)).span()));
  }
}

TEST(Chroma, IsOneWhereAPitchStands) {
  Context context;
  Array<float> power(Shape{12, bins});
  for (Index c = 0; c < 12; ++c) {
    const double hz = 440.0 * std::exp2((static_cast<double>(c) + 3) / 12);  // from C5 up
    for (Index bin = 0; bin < bins; ++bin) {
      const double off = static_cast<double>(bin) - hz / (sample_rate / n_fft);
      power[c * bins + bin] = static_cast<float>(std::exp(-off * off));
    }
  }
  const Array<float> chroma = chroma_of(context, power, one_clip(12), {.tuning = 0.0});
  for (Index c = 0; c < 12; ++c) EXPECT_EQ(chroma[c * 12 + c], 1.0F) << c;
}

TEST(Chroma, DoesNotChangeWithTheGain) {
  Context context;
  const Array<float> power = spectra(20, 3);
  Array<float> louder(power.shape());
  for (Index i = 0; i < power.size(); ++i) louder[i] = power[i] * 64;  // exact in float32
  const Array<float> chroma = chroma_of(context, power, one_clip(20));
  EXPECT_TRUE(same_bits(chroma.span(), chroma_of(context, louder, one_clip(20)).span()));
}

TEST(Chroma, OfSilenceIsZero) {
  Context context;
  const Array<float> power(Shape{18, bins});
  const Array<float> chroma = chroma_of(context, power, one_clip(18));
  const Array<float> tonal = tonnetz_of(context, chroma);
  const Array<float> contrast = contrast_of(context, power, one_clip(18));
  EXPECT_EQ(tuning_of(context, power, one_clip(18))[0], 0.0F);
  for (const auto* matrix : {&chroma, &tonal, &contrast}) {
    for (const float x : matrix->span()) ASSERT_EQ(x, 0.0F);
  }
}

TEST(Chroma, RefusesWhatDoesNotFit) {
  Context context;
  const Array<float> power(Shape{3, bins});
  Array<float> out(Shape{3, 12});
  const ChromaBank bank({}, sample_rate, n_fft);
  EXPECT_THROW(chroma_stft(context, power.view(), one_clip(4), bank, out.view()), ShapeError);
  const ChromaBank wider({.n_chroma = 24, .tuning = {}}, sample_rate, n_fft);
  EXPECT_THROW(chroma_stft(context, power.view(), one_clip(3), wider, out.view()), ShapeError);
  EXPECT_THROW(ChromaBank({.n_chroma = 0, .tuning = {}}, sample_rate, n_fft), ConfigError);
  EXPECT_THROW(ChromaBank({}, 0, n_fft), ConfigError);
  Array<float> tuning(Shape{1});
  EXPECT_THROW(estimate_tuning(context, power.view(), one_clip(3), sample_rate, 0, tuning.view()),
               ConfigError);
}

TEST(SpectralContrast, FollowsItsDefinition) {
  Context context;
  const Array<float> magnitude = spectra(37, 4);
  const reference::Matrix rows = rows_of(magnitude.view());
  for (const SpectralContrastOptions& options :
       {SpectralContrastOptions{}, SpectralContrastOptions{.n_bands = 4, .fmin = 100},
        SpectralContrastOptions{.quantile = 0.2}, SpectralContrastOptions{.quantile = 0.5}}) {
    const Array<float> found = contrast_of(context, magnitude, one_clip(37), options);
    const auto d = against(found, reference::spectral_contrast(rows, sample_rate, options.n_bands,
                                                               options.fmin, options.quantile));
    // Differences of decibels up to 100, whose last place is 8e-6 in float32.
    EXPECT_LT(d.largest, 5e-5) << canonical_text(options) << ": " << to_string(d);
  }
}

TEST(SpectralContrast, HasAFloorForEachClip) {
  Context context;
  const Ragged frames(std::vector<Index>{5, 5});
  Array<float> magnitude = spectra(10, 5);
  for (Index i = 0; i < 5 * bins; ++i) magnitude[i] *= 1e-6F;
  const Array<float> together = contrast_of(context, magnitude, frames);
  const reference::Matrix rows = rows_of(magnitude.view());
  const reference::Matrix quiet(rows.begin(), rows.begin() + 5);
  const std::vector<double> wanted =
      flat(reference::spectral_contrast(quiet, sample_rate, 6, 200, 0.02));
  const auto d = test::deviation(together.span().first(5 * 7), wanted);
  EXPECT_LT(d.largest, 5e-5) << to_string(d);
}

TEST(SpectralContrast, RefusesBandsThatAreNotThere) {
  EXPECT_THROW(ContrastBands({.n_bands = 7}, sample_rate, n_fft), ConfigError);
  EXPECT_NO_THROW(ContrastBands({.n_bands = 6}, sample_rate, n_fft));
  EXPECT_THROW(ContrastBands({}, 8000, n_fft), ConfigError);
  EXPECT_THROW(ContrastBands({.fmin = 5}, sample_rate, n_fft), ConfigError);  // holds bin 0 only
  EXPECT_THROW(ContrastBands({.quantile = 0}, sample_rate, n_fft), ConfigError);
}

TEST(Tonnetz, FollowsItsDefinition) {
  Context context;
  for (const Index n_chroma : {12, 24, 5}) {
    std::mt19937 random(6);
    std::uniform_real_distribution<float> share(0, 1);
    Array<float> chroma(Shape{19, n_chroma});
    for (float& x : chroma.span()) x = share(random);
    const auto d = against(tonnetz_of(context, chroma), reference::tonnetz(rows_of(chroma.view())));
    // Means of numbers up to 1 with 12 roundings each.
    EXPECT_LT(d.largest, 3e-7) << to_string(d);
  }
}

TEST(Tonal, HasTheSameBitsInAnyBatchAndOnAnyThreads) {
  const std::vector<Index> lengths{7, 16, 1, 33, 0, 20};
  const Ragged frames(lengths);
  const Array<float> power = spectra(frames.total(), 7);
  Context one;
  Context four(4);
  const auto chroma = chroma_of(one, power, frames);
  const auto contrast = contrast_of(one, power, frames);
  const auto tonal = tonnetz_of(one, chroma);
  EXPECT_TRUE(same_bits(chroma.span(), chroma_of(four, power, frames).span()));
  EXPECT_TRUE(same_bits(contrast.span(), contrast_of(four, power, frames).span()));
  EXPECT_TRUE(same_bits(tonal.span(), tonnetz_of(four, chroma).span()));
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    const Index begin = frames.begin(clip);
    const Index length = frames.length(clip);
    Array<float> own(Shape{length, bins});
    std::copy_n(power.data() + begin * bins, length * bins, own.data());
    const auto alone = chroma_of(one, own, one_clip(length));
    const auto part = [&](const Array<float>& all) {
      return all.view().rows(begin, begin + length).span();
    };
    EXPECT_TRUE(same_bits(part(chroma), alone.span())) << clip;
    EXPECT_TRUE(same_bits(part(contrast), contrast_of(one, own, one_clip(length)).span())) << clip;
    EXPECT_TRUE(same_bits(part(tonal), tonnetz_of(one, alone).span())) << clip;
  }
}

}  // namespace
}  // namespace serenade
