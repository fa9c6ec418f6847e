#include "kernels/dsp/mel.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/dsp/decibel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/stft.h"
#include "tests/kernels/dsp/operations.h"

namespace serenade {
namespace {

TEST(MelBank, HoldsTheFiltersOfTheDefinition) {
  for (const auto& [rate, n_fft, n_mels, fmin] :
       {std::tuple{22050.0, 2048, 128, 0.0}, {16000.0, 512, 40, 20.0}, {8000.0, 4096, 64, 0.0}}) {
    const MelBank bank({.n_mels = n_mels, .fmin = fmin}, rate, n_fft);
    const auto expected = reference::mel_filters(rate, n_fft, n_mels, fmin, rate / 2);
    ASSERT_EQ(bank.n_mels(), n_mels);
    ASSERT_EQ(bank.bins(), n_fft / 2 + 1);
    for (Index mel = 0; mel < n_mels; ++mel) {
      const auto filter = bank.filter(mel);
      const auto& row = expected[static_cast<std::size_t>(mel)];
      double largest = 0;
      for (const double weight : row) largest = std::max(largest, weight);
      for (Index bin = 0; bin < bank.bins(); ++bin) {
        const Index at = bin - filter.first_bin;
        const bool inside = at >= 0 && at < static_cast<Index>(filter.weights.size());
        const double found =
            inside ? static_cast<double>(filter.weights[static_cast<std::size_t>(at)]) : 0.0;
        // Two roundings to float32, and float64's own where a slope crosses zero.
        EXPECT_NEAR(found, row[static_cast<std::size_t>(bin)],
                    1.3e-7 * row[static_cast<std::size_t>(bin)] + 1e-12 * largest);
      }
    }
  }
}

TEST(MelBank, NamesTheFiltersThatNoBinReaches) {
  EXPECT_TRUE(MelBank({}, 22050, 2048).empty_filters().empty());
  const MelBank narrow({.n_mels = 128}, 22050, 256);
  EXPECT_FALSE(narrow.empty_filters().empty());
  for (const Index mel : narrow.empty_filters()) {
    EXPECT_TRUE(narrow.filter(mel).weights.empty());
  }
}

TEST(MelBank, RefusesFrequenciesOutOfOrder) {
  EXPECT_THROW(MelBank({.fmin = 500, .fmax = 500}, 22050, 2048), ConfigError);
  EXPECT_THROW(MelBank({.fmax = 12000}, 22050, 2048), ConfigError);
  EXPECT_THROW(MelBank({.fmin = -1}, 22050, 2048), ConfigError);
  EXPECT_THROW(MelBank({.n_mels = 0}, 22050, 2048), ConfigError);
  EXPECT_THROW(MelBank({}, 0, 2048), ConfigError);
}

TEST(Mel, RefusesTensorsThatDoNotFit) {
  Context context;
  const MelBank bank({}, 22050, 2048);
  Array<float> power(Shape{3, 1025});
  Array<float> narrow(Shape{3, 1024});
  Array<float> out(Shape{3, 128});
  Array<float> short_out(Shape{2, 128});
  EXPECT_NO_THROW(mel_power(context, power.view(), bank, out.view()));
  EXPECT_THROW(mel_power(context, narrow.view(), bank, out.view()), ShapeError);
  EXPECT_THROW(mel_power(context, power.view(), bank, short_out.view()), ShapeError);
}

// The stage alone, on powers of every size: positive terms only, so errors stay relative.
TEST(Mel, FiltersEqualTheDefinitionWithin1e5Relative) {
  Context context;
  const MelBank bank({}, 22050, 2048);
  constexpr Index frames = 37;
  Array<float> power(Shape{frames, bank.bins()});
  const auto exponents = test::noise(power.size(), 3, 30);
  reference::Matrix rows(frames);
  for (Index i = 0; i < power.size(); ++i) {
    power[i] = std::exp(exponents[static_cast<std::size_t>(i)]);
    rows[static_cast<std::size_t>(i / bank.bins())].push_back(static_cast<double>(power[i]));
  }
  const auto expected = reference::apply(reference::mel_filters(22050, 2048, 128, 0, 11025), rows);
  Array<float> out(Shape{frames, 128});
  mel_power(context, power.view(), bank, out.view());
  for (Index i = 0; i < out.size(); ++i) {
    const double value =
        expected[static_cast<std::size_t>(i / 128)][static_cast<std::size_t>(i % 128)];
    EXPECT_NEAR(static_cast<double>(out[i]), value, 1e-5 * value);
  }
}

/// MFCC of one clip with these decibel options.
Array<float> mfcc(const std::vector<float>& samples, const PowerToDbOptions& options) {
  Context context;
  const test::Signals batch({samples});
  const StftPlan plan;
  const MelBank bank({}, 22050, 2048);
  const Ragged frames = frames_of(batch.clips, 512);
  Array<float> power(Shape{frames.total(), plan.bins()});
  Array<float> mel(Shape{frames.total(), 128});
  Array<float> out(Shape{frames.total(), 40});
  stft_power(context, plan, batch.view(), batch.clips, power.view());
  mel_power(context, power.view(), bank, mel.view());
  power_to_db(context, mel.view(), frames, options, mel.view());
  dct(context, mel.view(), DctBasis(128, 40), out.view());
  return out;
}

// -100 dB in all 128 bands: -100 sqrt(128) and zeros. 2e-3 is the tolerance of MFCC.
TEST(Mfcc, OfSilenceIsItsFloor) {
  const auto found = mfcc(std::vector<float>(5000, 0.0F), {});
  for (Index i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], i % 40 == 0 ? -1131.371 : 0.0, 2e-3);
  }
}

TEST(Mfcc, AGainMovesOnlyTheFirstCoefficient) {
  const auto quiet = mfcc(test::noise(9000, 8, 0.1), {});
  const auto loud = mfcc(test::noise(9000, 8, 0.8), {});
  const double shift = 20 * std::log10(8.0) * std::sqrt(128.0);
  for (Index i = 0; i < quiet.size(); ++i) {
    const double moved = static_cast<double>(loud[i]) - static_cast<double>(quiet[i]);
    EXPECT_NEAR(moved, i % 40 == 0 ? shift : 0.0, 2e-3);
  }
}

TEST(Dct, RefusesMoreCoefficientsThanInputs) {
  EXPECT_THROW(DctBasis(128, 129), ConfigError);
  EXPECT_THROW(DctBasis(128, 0), ConfigError);
  Context context;
  Array<float> in(Shape{3, 127});
  Array<float> out(Shape{3, 40});
  EXPECT_THROW(dct(context, in.view(), DctBasis(128, 40), out.view()), ShapeError);
}

// The rows of an orthonormal transform of full size keep lengths and give the inputs back.
TEST(Dct, BasisIsOrthonormal) {
  const DctBasis basis(50, 50);
  for (Index a = 0; a < 50; ++a) {
    for (Index b = 0; b < 50; ++b) {
      double product = 0;
      for (Index i = 0; i < 50; ++i) {
        product += static_cast<double>(basis.data()[a * 50 + i]) *
                   static_cast<double>(basis.data()[b * 50 + i]);
      }
      EXPECT_NEAR(product, a == b ? 1.0 : 0.0, 3e-7);  // float32 entries
    }
  }
}

}  // namespace
}  // namespace serenade
