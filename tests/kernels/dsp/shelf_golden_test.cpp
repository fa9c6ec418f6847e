// The further features against librosa, from the samples of each golden signal on.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

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

INSTANTIATE_TEST_SUITE_P(Librosa, GoldenShelf,
                         testing::ValuesIn(test::Golden("librosa_shelf.h5").groups()),
                         [](const auto& signal) { return signal.param; });

}  // namespace
}  // namespace serenade
