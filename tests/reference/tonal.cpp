#include "tests/reference/tonal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace serenade::reference {
namespace {

double hz_of(std::size_t bin, std::size_t bins, double sample_rate) {
  return static_cast<double>(bin) * sample_rate / static_cast<double>(2 * (bins - 1));
}

double pitch_class(double hz, int n_chroma, double tuning) {
  const double a440 = 440.0 * std::pow(2.0, tuning / n_chroma);
  return n_chroma * std::log2(hz / (a440 / 16));
}

/// 10 log10 of each number, at least 1e-10, raised to 80 dB below the largest.
void to_decibels(Matrix& matrix) {
  double largest = -std::numeric_limits<double>::infinity();
  for (auto& row : matrix) {
    for (double& x : row) {
      x = 10 * std::log10(std::max(x, 1e-10));
      largest = std::max(largest, x);
    }
  }
  for (auto& row : matrix) {
    for (double& x : row) x = std::max(x, largest - 80);
  }
}

}  // namespace

double tuning(const Matrix& power, double sample_rate, int n_chroma) {
  std::vector<double> pitches;
  std::vector<double> heights;
  for (const auto& s : power) {
    const double threshold = 0.1 * *std::max_element(s.begin(), s.end());
    const auto loud = [&](std::size_t bin) { return s[bin] > threshold ? s[bin] : 0.0; };
    for (std::size_t bin = 1; bin + 1 < s.size(); ++bin) {
      const double hz = hz_of(bin, s.size(), sample_rate);
      if (hz < 150 || hz >= std::min(4000.0, sample_rate / 2)) continue;
      if (!(loud(bin) > loud(bin - 1) && loud(bin) >= loud(bin + 1))) continue;
      const double curvature = s[bin + 1] + s[bin - 1] - 2 * s[bin];
      const double slope = (s[bin + 1] - s[bin - 1]) / 2;
      const double shift = std::abs(slope) >= std::abs(curvature) ? 0 : -slope / curvature;
      pitches.push_back(hz_of(1, s.size(), sample_rate) * (static_cast<double>(bin) + shift));
      heights.push_back(s[bin] + 0.5 * slope * shift);
    }
  }
  if (pitches.empty()) return 0;
  std::vector<double> sorted = heights;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  const double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  std::vector<int> histogram(100);
  for (std::size_t i = 0; i < n; ++i) {
    if (heights[i] < median) continue;
    const double position = pitch_class(pitches[i], n_chroma, 0);
    double deviation = position - std::floor(position);
    if (deviation >= 0.5) deviation -= 1;
    ++histogram[static_cast<std::size_t>(std::floor((deviation + 0.5) / 0.01))];
  }
  const auto peak = std::max_element(histogram.begin(), histogram.end()) - histogram.begin();
  return -0.5 + 0.01 * static_cast<double>(peak);
}

Matrix chroma_filters(double sample_rate, int n_fft, int n_chroma, double tuning) {
  const std::size_t bins = 1 + static_cast<std::size_t>(n_fft) / 2;
  const auto classes = static_cast<std::size_t>(n_chroma);
  const auto position = [&](std::size_t bin) {
    if (bin > 0) return pitch_class(hz_of(bin, bins, sample_rate), n_chroma, tuning);
    return pitch_class(hz_of(1, bins, sample_rate), n_chroma, tuning) - 1.5 * n_chroma;
  };
  Matrix filters(classes, std::vector<double>(bins));
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double width = std::max(1.0, position(bin + 1) - position(bin));
    std::vector<double> bump(classes);
    for (std::size_t c = 0; c < classes; ++c) {
      // The way round the circle of classes, between -n/2 and n/2.
      const double half = std::nearbyint(n_chroma / 2.0);
      double distance = std::fmod(position(bin) - static_cast<double>(c) + half, n_chroma);
      if (distance < 0) distance += n_chroma;
      distance -= half;
      bump[c] = std::exp(-0.5 * std::pow(2 * distance / width, 2));
    }
    const double norm = std::sqrt(std::inner_product(bump.begin(), bump.end(), bump.begin(), 0.0));
    const double prominence = std::exp(-0.5 * std::pow((position(bin) / n_chroma - 5) / 2, 2));
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t from_a = (c + 3 * (classes / 12)) % classes;
      filters[c][bin] = bump[from_a] / norm * prominence;
    }
  }
  return filters;
}

Matrix chroma(const Matrix& power, double sample_rate, int n_chroma, double tuning) {
  Matrix result;
  if (power.empty()) return result;
  const int n_fft = static_cast<int>(2 * (power[0].size() - 1));
  const Matrix filters = chroma_filters(sample_rate, n_fft, n_chroma, tuning);
  for (const auto& frame : power) {
    std::vector<double> row;
    for (const auto& filter : filters) {
      row.push_back(std::inner_product(filter.begin(), filter.end(), frame.begin(), 0.0));
    }
    const double maximum = *std::max_element(row.begin(), row.end());
    if (maximum >= static_cast<double>(std::numeric_limits<float>::min())) {
      for (double& x : row) x /= maximum;
    }
    result.push_back(row);
  }
  return result;
}

Matrix spectral_contrast(const Matrix& magnitude, double sample_rate, int n_bands, double fmin,
                         double quantile) {
  Matrix peak(magnitude.size());
  Matrix valley(magnitude.size());
  for (std::size_t frame = 0; frame < magnitude.size(); ++frame) {
    const auto& s = magnitude[frame];
    for (int k = 0; k <= n_bands; ++k) {
      const double low = k == 0 ? 0 : fmin * std::pow(2, k - 1);
      const double high = k == n_bands ? sample_rate : fmin * std::pow(2, k);
      std::vector<double> band;
      for (std::size_t bin = 0; bin < s.size(); ++bin) {
        const bool one_below = k > 0 && bin + 1 < s.size() &&
                               hz_of(bin, s.size(), sample_rate) < low &&
                               hz_of(bin + 1, s.size(), sample_rate) >= low;
        const double hz = hz_of(bin, s.size(), sample_rate);
        if (one_below || (hz >= low && hz <= high)) band.push_back(s[bin]);
      }
      const auto n = static_cast<double>(band.size());
      const auto share = static_cast<std::ptrdiff_t>(std::max(1.0, std::nearbyint(quantile * n)));
      if (k < n_bands) band.pop_back();
      std::sort(band.begin(), band.end());
      const auto count = static_cast<double>(share);
      valley[frame].push_back(std::accumulate(band.begin(), band.begin() + share, 0.0) / count);
      peak[frame].push_back(std::accumulate(band.end() - share, band.end(), 0.0) / count);
    }
  }
  to_decibels(peak);
  to_decibels(valley);
  for (std::size_t frame = 0; frame < peak.size(); ++frame) {
    for (std::size_t k = 0; k < peak[frame].size(); ++k) peak[frame][k] -= valley[frame][k];
  }
  return peak;
}

Matrix tonnetz(const Matrix& chroma) {
  Matrix result;
  for (const auto& frame : chroma) {
    const double sum = std::accumulate(frame.begin(), frame.end(), 0.0);
    std::vector<double> row;
    for (const double turns : {7.0 / 6, 3.0 / 2, 2.0 / 3}) {
      double sine = 0;
      double cosine = 0;
      for (std::size_t c = 0; c < frame.size(); ++c) {
        const double pitch = 12.0 * static_cast<double>(c) / static_cast<double>(frame.size());
        const double share = sum > 0 ? frame[c] / sum : 0;
        sine += share * std::sin(std::numbers::pi * turns * pitch);
        cosine += share * std::cos(std::numbers::pi * turns * pitch);
      }
      const double radius = turns < 1 ? 0.5 : 1;
      row.push_back(radius * sine);
      row.push_back(radius * cosine);
    }
    result.push_back(row);
  }
  return result;
}

}  // namespace serenade::reference
