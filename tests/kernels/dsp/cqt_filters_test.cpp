// The constant-Q filters, of which only the bins around the peak are computed, against filters
// from their whole spectra.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>
#include <vector>

#include "kernels/dsp/cqt.h"
#include "kernels/dsp/fft.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

using Complex = std::complex<double>;
constexpr double pi = std::numbers::pi;
constexpr double sample_rate = 22050;
constexpr int odd_hop = 441;  // nothing is decimated

double quality(int bins_per_octave) {
  const double ratio = std::exp2(2.0 / bins_per_octave);
  return (ratio + 1) / (ratio - 1);
}

/// The spectrum of a Hann window of `count` samples at the turn `x`, counted from its first sample.
Complex hann_spectrum(double x, double count) {
  const auto turns = [&](double phase) -> Complex {
    const double half = std::sin(phase / 2);
    if (std::abs(half) < 1e-12) return count;
    return std::polar(1.0, (count - 1) * phase / 2) * std::sin(count * phase / 2) / half;
  };
  const double step = 2 * pi / count;
  return 0.5 * turns(x) - 0.25 * turns(x + step) - 0.25 * turns(x - step);
}

/// A filter's bins without those that make up the smallest hundredth, all else as they are.
std::vector<Complex> whole_filter(double hz, double q, Index n_fft) {
  const double length = q * sample_rate / hz;
  const double before = std::floor(-length / 2);
  const double count = std::floor(length / 2) - before;
  const double left = std::floor((static_cast<double>(n_fft) - count) / 2);
  const double turn = 2 * pi * hz / sample_rate;
  std::vector<Complex> all;
  std::vector<double> sorted;
  for (Index bin = 0; bin <= n_fft / 2; ++bin) {
    const double bin_turn = 2 * pi * static_cast<double>(bin) / static_cast<double>(n_fft);
    all.push_back(hann_spectrum(turn - bin_turn, count) *
                  std::polar(length / static_cast<double>(n_fft) / (count / 2),
                             turn * before - bin_turn * left));
    sorted.push_back(std::abs(all.back()));
  }
  std::sort(sorted.begin(), sorted.end());
  const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  double share = 0;
  auto x = sorted.begin();
  while ((share += *x / sum) < 0.01) ++x;
  for (Complex& bin : all) {
    bin = std::abs(bin) < *x ? 0.0 : bin / std::sqrt(length);
  }
  return all;
}

/// Every `each`-th filter.
void expect_whole_filters(const CqtOptions& options, Index each) {
  const CqtPlan plan(options, sample_rate, odd_hop);
  const double q = quality(options.bins_per_octave);
  Index filters = 0;
  for (const CqtPlan::Octave& octave : plan.octaves(0)) {
    ASSERT_EQ(octave.decimation, 1);
    for (std::size_t i = 0; i < octave.filters.size(); ++i) {
      const Index number = octave.first_bin + static_cast<Index>(i);
      ++filters;
      if (number % each != 0) continue;
      const CqtPlan::Filter& filter = octave.filters[i];
      const double hz = options.fmin * std::exp2((static_cast<double>(number) + *options.tuning) /
                                                 static_cast<double>(options.bins_per_octave));
      const std::vector<Complex> wanted = whole_filter(hz, q, octave.fft->n_fft());
      const auto is_kept = [](const Complex& x) { return x != 0.0; };
      const auto first = std::find_if(wanted.begin(), wanted.end(), is_kept);
      const auto last = std::find_if(wanted.rbegin(), wanted.rend(), is_kept).base();
      ASSERT_EQ(filter.first, first - wanted.begin()) << number;
      ASSERT_EQ(filter.count, last - first) << number;
      const double peak =
          std::abs(*std::max_element(first, last, [](const Complex& a, const Complex& b) {
            return std::abs(a) < std::abs(b);
          }));
      const float* weights = octave.weights.data() + filter.weights;
      for (auto x = first; x != last; ++x, weights += 2) {
        ASSERT_EQ(weights[0] == 0 && weights[1] == 0, !is_kept(*x)) << number;
        const Complex found(static_cast<double>(weights[0]), static_cast<double>(weights[1]));
        ASSERT_LE(std::abs(found - *x), 1e-7 * peak) << number;
      }
    }
  }
  EXPECT_EQ(filters, options.n_bins);
}

TEST(CqtFilters, KeepTheBinsThatTheirWholeSpectraHave) {
  for (const double tuning : {0.0, -0.5, 0.37}) {
    expect_whole_filters({.n_bins = 252, .bins_per_octave = 36, .tuning = tuning}, 11);
    expect_whole_filters({.n_bins = 84, .tuning = tuning}, 5);
  }
  // Windows of a few samples, and filters that touch half the sample rate.
  expect_whole_filters({.fmin = 500, .n_bins = 16, .bins_per_octave = 4}, 1);
  expect_whole_filters({.fmin = 2000, .n_bins = 7, .bins_per_octave = 4}, 1);
  expect_whole_filters({.fmin = 9000, .n_bins = 60, .bins_per_octave = 240}, 1);
}

// Computed whole, with half a million bins each, these took minutes.
TEST(CqtFilters, AreMadeInNoTimeHoweverLong) {
  expect_whole_filters({.fmin = 7.3, .n_bins = 1000, .bins_per_octave = 240}, 111);
}

}  // namespace
}  // namespace serenade
