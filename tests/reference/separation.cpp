#include "tests/reference/separation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace serenade::reference {

Matrix median_filter(const Matrix& rows, int width, bool over_time) {
  Matrix result = rows;
  const auto height = static_cast<std::ptrdiff_t>(rows.size());
  for (std::ptrdiff_t t = 0; t < height; ++t) {
    const auto bins = static_cast<std::ptrdiff_t>(rows[static_cast<std::size_t>(t)].size());
    for (std::ptrdiff_t bin = 0; bin < bins; ++bin) {
      std::vector<double> window;
      for (std::ptrdiff_t i = -(width / 2); i <= width / 2; ++i) {
        const std::ptrdiff_t length = over_time ? height : bins;
        std::ptrdiff_t at = (over_time ? t : bin) + i;
        while (at < 0 || at >= length) at = at < 0 ? -1 - at : 2 * length - 1 - at;
        window.push_back(rows[static_cast<std::size_t>(over_time ? at : t)]
                             [static_cast<std::size_t>(over_time ? bin : at)]);
      }
      std::sort(window.begin(), window.end());
      result[static_cast<std::size_t>(t)][static_cast<std::size_t>(bin)] =
          window[static_cast<std::size_t>(width / 2)];
    }
  }
  return result;
}

Matrix soft_mask(const Matrix& mine, const Matrix& theirs, double margin,
                 std::optional<double> power, double of_zeros) {
  Matrix result = mine;
  for (std::size_t t = 0; t < mine.size(); ++t) {
    for (std::size_t bin = 0; bin < mine[t].size(); ++bin) {
      const double a = mine[t][bin];
      const double b = margin * theirs[t][bin];
      double& share = result[t][bin];
      if (!power) {
        share = a > b ? 1 : 0;
      } else if (a == 0 && b == 0) {
        share = of_zeros;
      } else {
        const double larger = std::max(a, b);
        const double x = std::pow(a / larger, *power);
        share = x / (x + std::pow(b / larger, *power));
      }
    }
  }
  return result;
}

Signal istft(const std::vector<std::vector<std::complex<double>>>& spectra, int n_fft,
             int hop_length, std::ptrdiff_t length) {
  const auto n = static_cast<std::size_t>(n_fft);
  const auto hop = static_cast<std::size_t>(hop_length);
  const std::size_t end = static_cast<std::size_t>(length) + n;  // of the signal as it is padded
  std::vector<double> window, cosine, sine;
  for (std::size_t i = 0; i < n; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / n_fft;
    window.push_back(0.5 - 0.5 * std::cos(angle));
    cosine.push_back(std::cos(angle));
    sine.push_back(std::sin(angle));
  }
  Signal sum(end), weight(end);
  for (std::size_t t = 0; t < spectra.size() && t * hop < end; ++t) {
    for (std::size_t i = 0; i < n && t * hop + i < end; ++i) {
      double value = 0;
      for (std::size_t f = 0; f <= n / 2; ++f) {
        const std::complex<double> x = spectra[t][f];
        const bool single = f == 0 || f == n / 2;
        value += single ? x.real() * cosine[f * i % n]
                        : 2 * (x.real() * cosine[f * i % n] - x.imag() * sine[f * i % n]);
      }
      sum[t * hop + i] += value / n_fft * window[i];
      weight[t * hop + i] += window[i] * window[i];
    }
  }
  Signal y;
  for (std::size_t i = n / 2; i + n / 2 < end; ++i) {
    y.push_back(weight[i] > 1.2e-38 ? sum[i] / weight[i] : sum[i]);
  }
  return y;
}

}  // namespace serenade::reference
