// Every operation against librosa, stage by stage: each stage gets what librosa's stage before it
// gave where the golden data holds that, else what ours gave.
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/tuning.h"
#include "kernels/dsp/zero_crossing.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;

class GoldenSignal : public testing::TestWithParam<std::string> {
 protected:
  GoldenSignal() : samples_(std::vector<Index>{}) {
    const std::vector<float> values = wanted("samples").floats();
    signal_.resize(Shape{static_cast<Index>(values.size())});
    std::copy(values.begin(), values.end(), signal_.data());
    samples_.append(signal_.size());
  }

  test::GoldenArray wanted(const std::string& what) const {
    return golden_[GetParam() + "/" + what];
  }

  /// The golden matrix as input of the next stage.
  Array<float> given(const std::string& what) const {
    const test::GoldenArray array = wanted(what);
    Array<float> matrix(Shape{array.shape[0], array.shape[1]});
    const std::vector<float> values = array.floats();
    std::copy(values.begin(), values.end(), matrix.data());
    return matrix;
  }

  Array<float> power(int n_fft = 2048, int hop_length = 512) {
    const StftPlan plan({.n_fft = n_fft, .hop_length = hop_length});
    Array<float> out(Shape{frame_count(samples_.total(), hop_length), plan.bins()});
    stft_power(context_, plan, signal_.view(), samples_, out.view());
    return out;
  }
  Array<float> magnitudes() {
    Array<float> out = power();
    magnitude(context_, out.view(), out.view());
    return out;
  }
  Array<float> mel(const Array<float>& spectra, int n_fft = 2048) {
    const MelBank bank({}, sample_rate, n_fft);
    Array<float> out(Shape{spectra.shape()[0], bank.n_mels()});
    mel_power(context_, spectra.view(), bank, out.view());
    return out;
  }
  Array<float> log_mel(const Array<float>& mels) {
    Array<float> out(mels.shape());
    power_to_db(context_, mels.view(), frames_of_rows(mels), {}, out.view());
    return out;
  }
  Array<float> mfcc(const Array<float>& log_mels, int n_mfcc) {
    const DctBasis basis(log_mels.shape()[1], n_mfcc);
    Array<float> out(Shape{log_mels.shape()[0], n_mfcc});
    dct(context_, log_mels.view(), basis, out.view());
    return out;
  }
  Array<float> chroma(const ChromaOptions& options) {
    const Array<float> spectra = power();
    const ChromaBank bank(options, sample_rate, 2048);
    Array<float> out(Shape{spectra.shape()[0], bank.n_chroma()});
    chroma_stft(context_, spectra.view(), frames_of_rows(spectra), bank, out.view());
    return out;
  }
  static Ragged frames_of_rows(const Array<float>& matrix) {
    return Ragged(std::vector<Index>{matrix.shape()[0]});
  }

  /// What was found against the golden array, which must have the same size.
  test::Deviation compare(const Array<float>& found, const test::GoldenArray& array) const {
    EXPECT_EQ(found.size(), static_cast<Index>(array.values.size()));
    if (found.size() != static_cast<Index>(array.values.size())) return {.largest = 1e30};
    return test::deviation(found.span(), array.values);
  }
  test::Deviation compare(const Array<float>& found, const std::string& what) const {
    return compare(found, wanted(what));
  }

  test::Golden golden_{"librosa.h5"};
  test::Golden stft_golden_{"librosa_stft.h5"};
  Context context_;
  Array<float> signal_;
  Ragged samples_;
};

double largest(const test::GoldenArray& array) {
  double result = 0;
  for (const double x : array.values) result = std::max(result, std::abs(x));
  return result;
}

// Linear stages: normalised mean squared error.
constexpr double linear_error = 1e-9;

TEST_P(GoldenSignal, StftMagnitude) {
  const test::GoldenArray array = stft_golden_[GetParam() + "/magnitude"];
  const Array<float> all = magnitudes();
  Array<float> every_eighth(Shape{array.shape[0], array.shape[1]});
  for (Index row = 0; row < array.shape[0]; ++row) {
    const auto from = all.view().row(8 * row).span();
    std::copy(from.begin(), from.end(), every_eighth.data() + row * array.shape[1]);
  }
  const auto d = compare(every_eighth, array);
  EXPECT_LE(d.normalized_square, linear_error) << to_string(d);
  // librosa transforms in float64 too. It rounds real and imaginary part and then takes the root,
  // here the power is rounded: two units in the last place, and of the largest bin what float64
  // leaves.
  const double maximum = largest(array);
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    const auto found = static_cast<double>(every_eighth[static_cast<Index>(i)]);
    ASSERT_NEAR(found, array.values[i], 2.4e-7 * array.values[i] + 1e-14 * maximum) << i;
  }
}

TEST_P(GoldenSignal, MelPower) {
  const test::GoldenArray array = wanted("mel");
  const Array<float> found = mel(power());
  const auto d = compare(found, array);
  EXPECT_LE(d.normalized_square, linear_error) << to_string(d);
  const double maximum = largest(array);
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    const double power_wanted = array.values[i];
    const auto power_found = static_cast<double>(found[static_cast<Index>(i)]);
    ASSERT_LE(std::abs(power_found - power_wanted), 1e-5 * power_wanted)
        << "element " << i << ", " << power_wanted / maximum << " of the maximum";
  }
}

TEST_P(GoldenSignal, LogMel) {
  // The operation alone: 1e-3 dB is asked, float32 of numbers up to 100 gives 8e-6 a step.
  const Array<float> alone = log_mel(given("mel"));
  const auto d = compare(alone, "log_mel");
  EXPECT_LE(d.largest, 3e-5) << to_string(d);

  const std::vector<double> mels = wanted("mel").values;
  const std::vector<double> logs = wanted("log_mel").values;
  const double maximum = largest(wanted("mel"));
  const Array<float> chain = log_mel(mel(power()));
  const auto judged =
      test::deviation(chain.span(), logs, [&](std::size_t i) { return mels[i] > 1e-8 * maximum; });
  EXPECT_LE(judged.largest, 1e-3) << to_string(judged);
}

TEST_P(GoldenSignal, Mfcc) {
  for (const auto& [found, what] :
       {std::pair{mfcc(given("log_mel"), 40), "mfcc"},
        std::pair{mfcc(log_mel(mel(power())), 40), "mfcc"},
        std::pair{mfcc(log_mel(mel(power(1024, 256), 1024)), 13), "mfcc_13"}}) {
    const auto d = compare(found, what);
    EXPECT_LE(d.largest, 2e-3) << what << ": " << to_string(d);
    EXPECT_LE(d.normalized_square, linear_error) << what << ": " << to_string(d);
  }
}

TEST_P(GoldenSignal, TuningChromaAndContrastOfTheSameStft) {
  const std::string name = GetParam();
  const test::GoldenArray array = stft_golden_[name + "/magnitude"];
  Array<float> magnitudes(Shape{array.shape[0], array.shape[1]});
  Array<float> powers(magnitudes.shape());
  for (Index i = 0; i < magnitudes.size(); ++i) {
    magnitudes[i] = static_cast<float>(array.values[static_cast<std::size_t>(i)]);
    powers[i] = magnitudes[i] * magnitudes[i];
  }
  const Ragged frames = frames_of_rows(magnitudes);

  Array<float> tuning(Shape{1});
  estimate_tuning(context_, powers.view(), frames, sample_rate, 12, tuning.view());
  // A step of the histogram is 0.01: the same step, however flat the spectrum.
  EXPECT_NEAR(static_cast<double>(tuning[0]), stft_golden_[name + "/tuning"].values[0], 1e-6);

  const ChromaBank bank({}, sample_rate, 2048);
  Array<float> chroma_out(Shape{frames.total(), 12});
  chroma_stft(context_, powers.view(), frames, bank, chroma_out.view());
  const auto c = compare(chroma_out, stft_golden_[name + "/chroma_stft"]);
  EXPECT_LE(c.largest, 2e-6) << to_string(c);  // sums of 1025 float32 products here and there
  EXPECT_LE(c.normalized_square, linear_error) << to_string(c);

  const ContrastBands bands({}, sample_rate, 2048);
  Array<float> contrast(Shape{frames.total(), bands.rows()});
  spectral_contrast(context_, magnitudes.view(), frames, bands, contrast.view());
  const auto s = compare(contrast, stft_golden_[name + "/spectral_contrast"]);
  // Every element, floors too: float32 decibels up to 100, subtracted.
  EXPECT_LE(s.largest, 5e-5) << to_string(s);
}

TEST_P(GoldenSignal, Chroma) {
  const auto untuned = compare(chroma({.tuning = 0.0}), "chroma_untuned");
  EXPECT_LE(untuned.largest, 2e-6) << to_string(untuned);
  EXPECT_LE(untuned.normalized_square, linear_error) << to_string(untuned);

  // The spectrum of an impulse is flat: its peaks, and so its tuning, are the rounding errors of
  // whoever transformed it. Given the same STFT it is tuned alike, see above.
  if (GetParam() == "impulse") return;
  const auto tuned = compare(chroma({}), "chroma_stft");
  EXPECT_LE(tuned.largest, 2e-6) << to_string(tuned);
  EXPECT_LE(tuned.normalized_square, linear_error) << to_string(tuned);
}

TEST_P(GoldenSignal, SpectralContrast) {
  const ContrastBands bands({}, sample_rate, 2048);
  const Array<float> magnitude_rows = magnitudes();
  const Ragged frames = frames_of_rows(magnitude_rows);
  Array<float> found(Shape{frames.total(), bands.rows()});
  spectral_contrast(context_, magnitude_rows.view(), frames, bands, found.view());

  // Every element, the quietest valleys too.
  const auto d = compare(found, "spectral_contrast");
  EXPECT_LE(d.largest, 1e-3) << to_string(d);
}

TEST_P(GoldenSignal, Tonnetz) {
  const Array<float> chroma_rows = given("chroma_stft");
  Array<float> found(Shape{chroma_rows.shape()[0], 6});
  tonnetz(context_, chroma_rows.view(), found.view());
  const auto d = compare(found, "tonnetz");
  EXPECT_LE(d.largest, 3e-7) << to_string(d);  // means of 12 numbers up to 1
  EXPECT_LE(d.normalized_square, linear_error) << to_string(d);
}

TEST_P(GoldenSignal, ZeroCrossingRateAndRms) {
  Array<float> found(Shape{frame_count(signal_.size(), 512), 1});
  zero_crossing_rate(context_, signal_.view(), samples_, {}, found.view());
  EXPECT_EQ(compare(found, "zero_crossing_rate").largest, 0);  // counts over 2048: exact
  rms(context_, signal_.view(), samples_, {}, found.view());
  const auto d = compare(found, "rms");
  EXPECT_LE(d.largest, 2e-7 * largest(wanted("rms"))) << to_string(d);
  EXPECT_LE(d.normalized_square, linear_error) << to_string(d);
}

TEST_P(GoldenSignal, DeltaAndStatistics) {
  const Array<float> values = given("mfcc");
  const Ragged frames = frames_of_rows(values);
  Array<float> found(values.shape());
  for (const auto& [order, what] : {std::pair{1, "delta"}, std::pair{2, "delta2"}}) {
    delta(context_, values.view(), frames, {.order = order}, found.view());
    const auto d = compare(found, what);
    // Nine products of the input's size cancel: two units in the last place of the input.
    EXPECT_LE(d.largest, 1.2e-7 * largest(wanted("mfcc"))) << what << ": " << to_string(d);
  }
  const StatisticsOptions options{
      .statistics = {"mean", "std", "min", "max", "median", "p10", "p97.5"}};
  Array<float> row(Shape{1, 7 * values.shape()[1]});
  statistics(context_, values.view(), frames, options, row.view());
  const auto d = compare(row, "statistics");
  // float64 here and there, each rounded once.
  EXPECT_LE(d.largest, 1.2e-7 * largest(wanted("mfcc"))) << to_string(d);
}

INSTANTIATE_TEST_SUITE_P(Librosa, GoldenSignal,
                         testing::ValuesIn(test::Golden("librosa.h5").groups()),
                         [](const auto& signal) { return signal.param; });

}  // namespace
}  // namespace serenade
