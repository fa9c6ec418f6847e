// The further features against librosa, from the samples of each golden signal on.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "kernels/dsp/decibel.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/pyin.h"
#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/stft.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;

class GoldenShelf : public testing::TestWithParam<std::string> {
 protected:
  GoldenShelf() : samples_(std::vector<Index>{}) {
    const std::vector<float> values = test::Golden("librosa.h5")[GetParam() + "/samples"].floats();
    signal_.resize(Shape{static_cast<Index>(values.size())});
    std::copy(values.begin(), values.end(), signal_.data());
    samples_.append(signal_.size());
    frames_ = frames_of(samples_, 512);
  }

  std::vector<double> wanted(const std::string& what) const {
    return golden_[GetParam() + "/" + what].values;
  }
  Array<float> magnitudes() {
    const StftPlan plan;
    Array<float> out(Shape{frames_.total(), plan.bins()});
    stft_power(context_, plan, signal_.view(), samples_, out.view());
    magnitude(context_, out.view(), out.view());
    return out;
  }
  Array<float> mel(const MelOptions& options) {
    const StftPlan plan;
    const MelBank bank(options, sample_rate, 2048);
    Array<float> power(Shape{frames_.total(), plan.bins()});
    Array<float> out(Shape{frames_.total(), bank.n_mels()});
    stft_power(context_, plan, signal_.view(), samples_, power.view());
    mel_power(context_, power.view(), bank, out.view());
    return out;
  }
  Array<float> mfcc(const MelOptions& options, const DctOptions& transform) {
    Array<float> log_mel = mel(options);
    power_to_db(context_, log_mel.view(), frames_, {}, log_mel.view());
    Array<float> out(Shape{frames_.total(), transform.coefficients});
    dct(context_, log_mel.view(), DctBasis(128, transform), out.view());
    return out;
  }
  /// One number a frame.
  Array<float> shape(Tensor<float> SpectralShape::*view, SpectralShape options = {}) {
    const Array<float> spectra = magnitudes();
    Array<float> out(Shape{frames_.total(), 1});
    options.*view = out.view();
    spectral_shape(context_, spectra.view(), frames_, sample_rate, options);
    return out;
  }
  /// Every number within `relative` of what librosa says and `peak` of its largest.
  void expect_near(const Array<float>& found, const std::string& what, double relative,
                   double peak = 0) const {
    const std::vector<double> all = wanted(what);
    ASSERT_EQ(found.size(), static_cast<Index>(all.size())) << what;
    double largest = 0;
    for (const double x : all) largest = std::max(largest, std::abs(x));
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(found[static_cast<Index>(i)]), all[i],
                  relative * std::abs(all[i]) + peak * largest)
          << what << ", frame " << i << " of " << all.size();
    }
  }

  void expect_absolute(const Array<float>& found, const std::string& what, double tolerance) const {
    const std::vector<double> all = wanted(what);
    ASSERT_EQ(found.size(), static_cast<Index>(all.size())) << what;
    const auto d = test::deviation(found.span(), all);
    EXPECT_LE(d.largest, tolerance) << what << ": " << to_string(d);
    EXPECT_LE(d.normalized_square, 1e-9) << what << ": " << to_string(d);
  }

  test::Golden golden_{"librosa_shelf.h5"};
  Context context_;
  Array<float> signal_;
  Ragged samples_;
  Ragged frames_;
};

// librosa divides spectra by their sums and adds them up in float32, one after another: good to a
// few 1e-6, as are the roots of that.
TEST_P(GoldenShelf, CentroidAndBandwidth) {
  expect_near(shape(&SpectralShape::centroid), "spectral_centroid", 5e-6);
  expect_near(shape(&SpectralShape::bandwidth), "spectral_bandwidth", 1e-5);
  expect_near(shape(&SpectralShape::bandwidth, {.bandwidth_options = {.p = 3}}),
              "spectral_bandwidth_3", 1e-5);
}

// The same bin, or the next where librosa's float32 sums of 1025 numbers do not tell the two apart:
// then float64's sum comes as near to the threshold as float32 can see.
TEST_P(GoldenShelf, Rolloff) {
  const Array<float> spectra = magnitudes();
  const Index bins = spectra.shape()[1];
  for (const auto& [share, what] :
       {std::pair{0.85, "spectral_rolloff"}, std::pair{0.25, "spectral_rolloff_25"}}) {
    const Array<float> found =
        shape(&SpectralShape::rolloff, {.rolloff_options = {.roll_percent = share}});
    const std::vector<double> all = wanted(what);
    ASSERT_EQ(found.size(), static_cast<Index>(all.size()));
    for (Index t = 0; t < found.size(); ++t) {
      const double hz = all[static_cast<std::size_t>(t)];
      if (std::abs(static_cast<double>(found[t]) - hz) <= 1e-7 * hz) continue;
      const float* row = spectra.data() + t * bins;
      const double per_bin = sample_rate / 2048;
      const auto lower = std::lround(std::min(static_cast<double>(found[t]), hz) / per_bin);
      ASSERT_EQ(std::lround(std::max(static_cast<double>(found[t]), hz) / per_bin), lower + 1);
      const double whole = std::accumulate(row, row + bins, 0.0);
      EXPECT_NEAR(std::accumulate(row, row + lower + 1, 0.0) / whole, share, 1e-6)
          << what << ", frame " << t;
    }
  }
}

// librosa's means of logarithms and powers are float32 sums of 1025 numbers.
TEST_P(GoldenShelf, Flatness) {
  expect_near(shape(&SpectralShape::flatness), "spectral_flatness", 1e-4);
}

TEST_P(GoldenShelf, Flux) { expect_near(shape(&SpectralShape::flux), "spectral_flux", 1e-5, 1e-6); }

TEST_P(GoldenShelf, MelOnTheScaleOfHtkWithoutAreas) {
  expect_near(mel({.n_mels = 40, .fmin = 60, .fmax = 8000, .htk = true, .mel_norm = MelNorm::none}),
              "mel_htk", 1e-5);
}

// 2e-3, as MFCC, times what the transform is larger than the orthonormal one, and what lifts it; of
// type 1 twice that, for silence's 128 numbers are all -100 and float32's sum of them rounds one
// way up to -1131.
TEST_P(GoldenShelf, CosineTransformsOfOtherKinds) {
  const MelOptions htk{.htk = true, .mel_norm = MelNorm::none};
  const DctNorm none = DctNorm::none;
  expect_absolute(mfcc({}, {.coefficients = 20, .lifter = 22}), "mfcc_lifted", 2e-3 * 12);
  expect_absolute(mfcc(htk, {.coefficients = 20, .norm = none}), "mfcc_plain", 2e-3 * 23);
  expect_absolute(mfcc({}, {.coefficients = 13, .type = 1}), "mfcc_1", 4e-3);
  expect_absolute(mfcc({}, {.coefficients = 13, .type = 1, .norm = none}), "mfcc_1_plain",
                  4e-3 * 23);
  expect_absolute(mfcc({}, {.coefficients = 13, .type = 3}), "mfcc_3", 2e-3);
  expect_absolute(mfcc({}, {.coefficients = 13, .type = 3, .norm = none}), "mfcc_3_plain",
                  2e-3 * 23);
}

// Mel bands are good to 1e-5, of which power 0.5 leaves half.
TEST_P(GoldenShelf, Pcen) {
  const Array<float> spectra = magnitudes();
  const MelBank bank({.n_mels = 40}, sample_rate, 2048);
  Array<float> mels(Shape{frames_.total(), 40});
  mel_power(context_, spectra.view(), bank, mels.view());
  Array<float> out(mels.shape());
  pcen(context_, mels.view(), frames_, sample_rate, 512, {}, out.view());
  expect_near(out, "pcen", 1e-5);
  pcen(context_, mels.view(), frames_, sample_rate, 512,
       {.gain = 0.8, .power = 0, .time_constant = 0.06}, out.view());
  expect_near(out, "pcen_logarithm", 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Librosa, GoldenShelf,
                         testing::ValuesIn(test::Golden("librosa_shelf.h5").groups()),
                         [](const auto& signal) { return signal.param; });

}  // namespace
}  // namespace serenade
