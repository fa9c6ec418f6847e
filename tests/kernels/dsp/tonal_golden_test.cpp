// Harmonic and percussive parts, constant-Q transforms and what is made of them against librosa,
// from the samples of each golden signal on.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/separate.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/support/compare.h"
#include "tests/support/golden.h"

namespace serenade {
namespace {

constexpr double sample_rate = 22050;
constexpr std::size_t kept_bin = 41;
constexpr std::size_t kept_sample = 3;

class GoldenTonal : public testing::TestWithParam<std::tuple<std::string, Device>> {
 protected:
  GoldenTonal() : context_(std::get<Device>(GetParam())), samples_(std::vector<Index>{}) {
    const std::vector<float> values = test::Golden("librosa.h5")[name() + "/samples"].floats();
    signal_ = fresh({static_cast<Index>(values.size())});
    copy(context_, Tensor<const float>(values.data(), signal_.shape()), signal_.view());
    samples_.append(signal_.size());
    frames_ = frames_of(samples_, 512);
  }

  static const std::string& name() { return std::get<std::string>(GetParam()); }
  std::vector<double> wanted(const std::string& what) const {
    return golden_[name() + "/" + what].values;
  }
  /// On the device that is judged.
  Array<float> fresh(Shape shape) const { return Array<float>(shape, context_.device()); }
  std::vector<float> all_of(const Array<float>& values) {
    std::vector<float> all(static_cast<std::size_t>(values.size()));
    copy(context_, values.view(), Tensor<float>(all.data(), values.shape()));
    return all;
  }
  /// Within `share` of the largest that librosa has, number by number where `counts` says so.
  template <class Counts>
  void expect_share(const std::vector<float>& found, const std::string& what, double share,
                    const Counts& counts) const {
    const std::vector<double> all = wanted(what);
    ASSERT_EQ(found.size(), all.size()) << what;
    double largest = 0;
    for (const double x : all) largest = std::max(largest, std::abs(x));
    const auto d = test::deviation(found, all, counts);
    EXPECT_LE(d.largest, share * largest) << what << ": " << to_string(d);
  }
  void expect_share(const std::vector<float>& found, const std::string& what, double share) const {
    expect_share(found, what, share, [](std::size_t) { return true; });
  }
  /// scipy's median of 31 is none of a clip of 2 frames, whatever it reads there instead: NaN now
  /// and then. tests/reference says what it is.
  bool has_few_frames() const { return frames_.total() < 3; }
  /// Of a spectrum as flat as an impulse's any rounding decides the tuning.
  static bool has_tuning() { return name() != "impulse"; }
  Array<float> magnitudes() {
    const StftPlan plan;
    Array<float> out = fresh({frames_.total(), plan.bins()});
    stft_power(context_, plan, signal_.view(), samples_, out.view());
    magnitude(context_, std::as_const(out).view(), out.view());
    return out;
  }
  std::vector<float> mask(const HpssOptions& options, Tensor<float> HpssMasks::*which) {
    const Array<float> spectra = magnitudes();
    Array<float> out = fresh(spectra.shape());
    HpssMasks masks;
    masks.*which = out.view();
    hpss(context_, spectra.view(), frames_, options, masks);
    const std::vector<float> all = all_of(out);
    const auto bins = static_cast<std::size_t>(out.shape()[1]);
    std::vector<float> kept;
    for (std::size_t row = 0; row < all.size(); row += bins) {
      for (std::size_t bin = 0; bin < bins; bin += kept_bin) kept.push_back(all[row + bin]);
    }
    return kept;
  }
  Array<float> part(const HpssOptions& options, Tensor<float> SeparatedSignals::*which) {
    Array<float> out = fresh(signal_.shape());
    SeparatedSignals parts;
    parts.*which = out.view();
    separate(context_, StftPlan(), signal_.view(), samples_, options, parts);
    return out;
  }
  std::vector<float> every_third(const Array<float>& signal) {
    const std::vector<float> all = all_of(signal);
    std::vector<float> kept;
    for (std::size_t i = 0; i < all.size(); i += kept_sample) kept.push_back(all[i]);
    return kept;
  }
  Array<float> constant_q(const CqtOptions& options, const Array<float>& signal,
                          int hop_length = 512) {
    const CqtPlan plan(options, sample_rate, hop_length);
    Array<float> out = fresh({frames_of(samples_, hop_length).total(), plan.bins()});
    cqt(context_, plan, signal.view(), samples_, out.view());
    return out;
  }
  Array<float> folded(const ChromaCqtOptions& options, const Array<float>& signal) {
    const Array<float> bins = constant_q(transform_of(options), signal);
    Array<float> out = fresh({bins.shape()[0], options.n_chroma});
    fold_octaves(context_, bins.view(), options, out.view());
    return out;
  }
  Array<float> chroma(const ChromaCqtOptions& options, const Array<float>& signal) {
    Array<float> out = folded(options, signal);
    divide_by_largest(context_, std::as_const(out).view(), out.view());
    return out;
  }
  Array<float> centroids(const Array<float>& signal) {
    const Array<float> classes = chroma({}, signal);
    Array<float> out = fresh({classes.shape()[0], 6});
    tonnetz(context_, classes.view(), out.view());
    return out;
  }

  test::Golden golden_{"librosa_tonal.h5"};
  Context context_;
  Array<float> signal_;
  Ragged samples_;
  Ragged frames_;
};

// librosa's spectra are float32's, whose roundings are 1e-7 of a frame's loudest bin: where the
// medians are as faint as that, their quotient is anything. So the share of numbers that agree, and
// all where no signal is.
TEST_P(GoldenTonal, Masks) {
  if (has_few_frames()) return;
  const auto expect_agreement = [&](const std::vector<float>& found, const std::string& what,
                                    double tolerance) {
    const std::vector<double> all = wanted(what);
    ASSERT_EQ(found.size(), all.size()) << what;
    std::size_t other = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!(std::abs(static_cast<double>(found[i]) - all[i]) <= tolerance)) ++other;
    }
    EXPECT_LE(static_cast<double>(other), 0.002 * static_cast<double>(all.size())) << what;
  };
  const HpssOptions strict{.harmonic_margin = 2, .percussive_margin = 3, .power = 1.5};
  expect_agreement(mask({}, &HpssMasks::harmonic), "harmonic_mask", 1e-4);
  expect_agreement(mask({}, &HpssMasks::percussive), "percussive_mask", 1e-4);
  expect_agreement(mask(strict, &HpssMasks::harmonic), "strict_harmonic_mask", 1e-4);
  expect_agreement(mask(strict, &HpssMasks::percussive), "strict_percussive_mask", 1e-4);
  expect_agreement(mask({.power = std::nullopt}, &HpssMasks::harmonic), "hard_harmonic_mask", 0);
}

TEST_P(GoldenTonal, Parts) {
  if (has_few_frames()) return;
  expect_share(every_third(part({}, &SeparatedSignals::harmonic)), "harmonic", 1e-5);
  expect_share(every_third(part({.percussive_margin = 3}, &SeparatedSignals::percussive)),
               "percussive", 1e-5);
}

// librosa transforms in float32, and so does libsoxr there: up to 4e-6 of the loudest bin were
// seen, of a square wave of full scale that is decimated by 16 at once.
TEST_P(GoldenTonal, ConstantQ) {
  expect_share(all_of(constant_q({}, signal_)), "cqt", 2e-6);
  if (has_tuning()) {
    expect_share(all_of(constant_q({.tuning = std::nullopt}, signal_)), "cqt_tuned", 2e-6);
  }
  const CqtOptions quarter_tones{.fmin = 55, .n_bins = 130, .bins_per_octave = 24, .tuning = 0.25};
  expect_share(all_of(constant_q(quarter_tones, signal_, 200)), "cqt_24", 2e-6);
  expect_share(all_of(constant_q({.n_bins = 40}, signal_)), "cqt_low", 8e-6);
}

/// Whether number i of rows of `classes` lies in a frame whose sums are not so far below the clip's
/// loudest that they are roundings.
auto in_loud_frames(std::span<const float> sums, std::size_t classes) {
  const float loudest = *std::ranges::max_element(sums);
  std::vector<bool> is_loud;
  for (std::size_t t = 0; t * classes < sums.size(); ++t) {
    const auto row = sums.subspan(t * classes, classes);
    is_loud.push_back(*std::ranges::max_element(row) >= 1e-4F * loudest);
  }
  return [is_loud](std::size_t i, std::size_t dims) { return bool{is_loud[i / dims]}; };
}

// Sums that are 1e-4 of the loudest are good to 1e-6 / 1e-4.
TEST_P(GoldenTonal, ChromaOfConstantQ) {
  const ChromaCqtOptions quarter_tones{
      .fmin = 110, .n_octaves = 5, .bins_per_octave = 24, .n_chroma = 24, .tuning = 0.0};
  const auto is_loud = in_loud_frames(all_of(folded(quarter_tones, signal_)), 24);
  expect_share(all_of(chroma(quarter_tones, signal_)), "chroma_cqt_24", 1e-2,
               [&](std::size_t i) { return is_loud(i, 24); });
  if (has_tuning()) expect_share(all_of(chroma({}, signal_)), "chroma_cqt", 1e-5);
}

// A share within 1e-6 of a step could be a quarter more or less, in this frame and what is smoothed
// of it; none is.
TEST_P(GoldenTonal, ChromaEnergyStatistics) {
  if (!has_tuning() || context_.device() != Device::cpu) return;
  const Array<float> classes = folded({}, signal_);
  Array<float> out(classes.shape());
  chroma_cens(context_, classes.view(), frames_, 41, out.view());
  expect_share(all_of(out), "chroma_cens", 1e-5);
}

TEST_P(GoldenTonal, Tonnetz) {
  if (has_tuning()) expect_share(all_of(centroids(signal_)), "tonnetz", 1e-5);
  if (has_few_frames() || !has_tuning()) return;
  const Array<float> harmonic = part({}, &SeparatedSignals::harmonic);
  expect_share(all_of(centroids(harmonic)), "harmonic_tonnetz", 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Librosa, GoldenTonal,
    testing::Combine(testing::ValuesIn(test::Golden("librosa_tonal.h5").groups()),
                     testing::ValuesIn(test::devices())),
    [](const auto& test) {
      return std::get<std::string>(test.param) + "_" +
             std::string(to_string(std::get<Device>(test.param)));
    });

}  // namespace
}  // namespace serenade
