#include "tests/reference/shape.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace serenade::reference {
namespace {

double hz_of(std::size_t bin, std::size_t bins, double sample_rate) {
  return static_cast<double>(bin) * sample_rate / static_cast<double>(2 * (bins - 1));
}

double sum_of(const std::vector<double>& row) {
  return std::accumulate(row.begin(), row.end(), 0.0);
}

double centroid_of(const std::vector<double>& row, double sample_rate) {
  const double sum = sum_of(row);
  if (sum == 0) return 0;
  double moment = 0;
  for (std::size_t bin = 0; bin < row.size(); ++bin) {
    moment += hz_of(bin, row.size(), sample_rate) * row[bin];
  }
  return moment / sum;
}

}  // namespace

Matrix spectral_centroid(const Matrix& magnitude, double sample_rate) {
  Matrix result;
  for (const auto& row : magnitude) result.push_back({centroid_of(row, sample_rate)});
  return result;
}

Matrix spectral_bandwidth(const Matrix& magnitude, double sample_rate, double p) {
  Matrix result;
  for (const auto& row : magnitude) {
    const double centre = centroid_of(row, sample_rate);
    const double sum = sum_of(row);
    double spread = 0;
    for (std::size_t bin = 0; bin < row.size(); ++bin) {
      const double distance = std::abs(hz_of(bin, row.size(), sample_rate) - centre);
      spread += row[bin] * std::pow(distance, p);
    }
    result.push_back({sum == 0 ? 0 : std::pow(spread / sum, 1 / p)});
  }
  return result;
}

Matrix spectral_rolloff(const Matrix& magnitude, double sample_rate, double roll_percent) {
  Matrix result;
  for (const auto& row : magnitude) {
    const double threshold = roll_percent * sum_of(row);
    std::size_t bin = 0;
    double sum = row[0];
    while (sum < threshold) sum += row[++bin];
    result.push_back({hz_of(bin, row.size(), sample_rate)});
  }
  return result;
}

Matrix spectral_flatness(const Matrix& magnitude, double amin) {
  Matrix result;
  for (const auto& row : magnitude) {
    double logarithms = 0;
    double powers = 0;
    for (const double x : row) {
      const double power = std::max(amin, x * x);
      logarithms += std::log(power);
      powers += power;
    }
    const auto count = static_cast<double>(row.size());
    result.push_back({std::exp(logarithms / count) / (powers / count)});
  }
  return result;
}

Matrix spectral_flux(const Matrix& magnitude) {
  Matrix result;
  for (std::size_t t = 0; t < magnitude.size(); ++t) {
    double more = 0;
    for (std::size_t bin = 0; t > 0 && bin < magnitude[t].size(); ++bin) {
      more += std::max(0.0, magnitude[t][bin] - magnitude[t - 1][bin]);
    }
    result.push_back({more / static_cast<double>(magnitude[t].size())});
  }
  return result;
}

}  // namespace serenade::reference
