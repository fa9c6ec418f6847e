#include "tests/reference/spectral.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace serenade::reference {
namespace {

constexpr double pi = std::numbers::pi;

std::size_t frame_count(const Signal& signal, int hop_length) {
  return signal.empty() ? 0 : 1 + signal.size() / static_cast<std::size_t>(hop_length);
}

/// Samples of frame t; `outside` gives those before (false) and after (true) the clip.
template <class Outside>
Signal frame(const Signal& signal, std::size_t t, int length, int hop_length,
             const Outside& outside) {
  Signal samples;
  const auto size = static_cast<long>(signal.size());
  const long begin = static_cast<long>(t) * hop_length - length / 2;
  for (long s = begin; s < begin + length; ++s) {
    const bool inside = s >= 0 && s < size;
    samples.push_back(inside ? signal[static_cast<std::size_t>(s)] : outside(s >= size));
  }
  return samples;
}

double zero_outside(bool) { return 0.0; }

double hz_to_mel(double hz) {
  return hz < 1000 ? hz * 3 / 200 : 15 + 27 * std::log(hz / 1000) / std::log(6.4);
}
double mel_to_hz(double mel) {
  return mel < 15 ? mel * 200 / 3 : 1000 * std::pow(6.4, (mel - 15) / 27);
}

/// Solves a x = b by elimination with pivots.
std::vector<double> solve(Matrix a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t pivot = i;
    for (std::size_t r = i; r < n; ++r) {
      if (std::abs(a[r][i]) > std::abs(a[pivot][i])) pivot = r;
    }
    std::swap(a[i], a[pivot]);
    std::swap(b[i], b[pivot]);
    for (std::size_t r = i + 1; r < n; ++r) {
      const double factor = a[r][i] / a[i][i];
      for (std::size_t c = i; c < n; ++c) a[r][c] -= factor * a[i][c];
      b[r] -= factor * b[i];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t c = i + 1; c < n; ++c) b[i] -= a[i][c] * b[c];
    b[i] /= a[i][i];
  }
  return b;
}

/// The polynomial through y at -half..half, differentiated `order` times at x.
double fitted_derivative(const std::vector<double>& y, int order, double x) {
  const auto terms = static_cast<std::size_t>(order) + 1;
  const std::size_t middle = y.size() / 2;
  const auto half = static_cast<double>(middle);
  Matrix a(terms, std::vector<double>(terms, 0.0));
  std::vector<double> b(terms, 0.0);
  for (std::size_t k = 0; k < y.size(); ++k) {
    const double at = static_cast<double>(k) - half;
    for (std::size_t i = 0; i < terms; ++i) {
      for (std::size_t j = 0; j < terms; ++j) a[i][j] += std::pow(at, i + j);
      b[i] += y[k] * std::pow(at, i);
    }
  }
  const std::vector<double> coefficients = solve(a, b);
  double derivative = 0;
  for (std::size_t i = static_cast<std::size_t>(order); i < terms; ++i) {
    double falling = 1;
    for (int d = 0; d < order; ++d) falling *= static_cast<double>(i) - d;
    derivative += coefficients[i] * falling * std::pow(x, static_cast<int>(i) - order);
  }
  return derivative;
}

double statistic(std::vector<double> x, const std::string& name) {
  const auto n = static_cast<double>(x.size());
  double mean = 0;
  for (const double value : x) mean += value / n;
  if (name == "mean") return mean;
  if (name == "std") {
    double variance = 0;
    for (const double value : x) variance += (value - mean) * (value - mean) / n;
    return std::sqrt(variance);
  }
  if (name == "min") return *std::min_element(x.begin(), x.end());
  if (name == "max") return *std::max_element(x.begin(), x.end());
  std::sort(x.begin(), x.end());
  const double share = name == "median" ? 0.5 : std::stod(name.substr(1)) / 100;
  const double position = share * (n - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const auto above = static_cast<std::size_t>(std::ceil(position));
  return x[below] + (position - std::floor(position)) * (x[above] - x[below]);
}

}  // namespace

std::vector<std::vector<std::complex<double>>> stft(const Signal& signal, int n_fft,
                                                    int hop_length) {
  const auto n = static_cast<std::size_t>(n_fft);
  std::vector<double> window(n);
  std::vector<double> cosine(n);
  std::vector<double> sine(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double angle = 2 * pi * static_cast<double>(i) / n_fft;
    window[i] = 0.5 - 0.5 * std::cos(angle);
    cosine[i] = std::cos(angle);
    sine[i] = std::sin(angle);
  }
  std::vector<std::vector<std::complex<double>>> rows;
  for (std::size_t t = 0; t < frame_count(signal, hop_length); ++t) {
    Signal x = frame(signal, t, n_fft, hop_length, zero_outside);
    for (std::size_t i = 0; i < n; ++i) x[i] *= window[i];
    auto& row = rows.emplace_back();
    for (std::size_t k = 0; k <= n / 2; ++k) {
      double real = 0;
      double imaginary = 0;
      for (std::size_t i = 0; i < n; ++i) {
        real += x[i] * cosine[i * k % n];
        imaginary -= x[i] * sine[i * k % n];
      }
      row.emplace_back(real, imaginary);
    }
  }
  return rows;
}

Matrix stft_power(const Signal& signal, int n_fft, int hop_length) {
  Matrix power;
  for (const auto& row : stft(signal, n_fft, hop_length)) {
    auto& to = power.emplace_back();
    for (const auto& x : row) to.push_back(std::norm(x));
  }
  return power;
}

Matrix mel_filters(double sample_rate, int n_fft, int n_mels, double fmin, double fmax) {
  Matrix filters;
  const double low = hz_to_mel(fmin);
  const double step = (hz_to_mel(fmax) - low) / (n_mels + 1);
  for (int mel = 0; mel < n_mels; ++mel) {
    const double left = mel_to_hz(low + mel * step);
    const double centre = mel_to_hz(low + (mel + 1) * step);
    const double right = mel_to_hz(low + (mel + 2) * step);
    auto& filter = filters.emplace_back();
    for (int bin = 0; bin <= n_fft / 2; ++bin) {
      const double hz = bin * sample_rate / n_fft;
      const double triangle =
          std::min((hz - left) / (centre - left), (right - hz) / (right - centre));
      filter.push_back(std::max(0.0, triangle) * 2 / (right - left));
    }
  }
  return filters;
}

Matrix apply(const Matrix& filters, const Matrix& rows) {
  Matrix out;
  for (const auto& row : rows) {
    auto& to = out.emplace_back();
    for (const auto& filter : filters) {
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) sum += filter[i] * row[i];
      to.push_back(sum);
    }
  }
  return out;
}

Matrix power_to_db(const Matrix& power, double amin, double ref, std::optional<double> top_db) {
  Matrix db = power;
  double highest = -1e300;
  for (auto& row : db) {
    for (double& x : row) {
      x = 10 * std::log10(std::max(x, amin)) - 10 * std::log10(std::max(ref, amin));
      highest = std::max(highest, x);
    }
  }
  if (!top_db) return db;
  for (auto& row : db) {
    for (double& x : row) x = std::max(x, highest - *top_db);
  }
  return db;
}

Matrix dct(const Matrix& rows, int n) {
  Matrix out;
  for (const auto& row : rows) {
    auto& to = out.emplace_back();
    const auto size = static_cast<double>(row.size());
    for (int k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) {
        sum += row[i] * std::cos(pi * k * (2 * static_cast<double>(i) + 1) / (2 * size));
      }
      to.push_back(sum * std::sqrt((k == 0 ? 1 : 2) / size));
    }
  }
  return out;
}

Matrix delta(const Matrix& rows, int width, int order) {
  Matrix out = rows;
  const int length = static_cast<int>(rows.size());
  const int half = width / 2;
  for (int t = 0; t < length; ++t) {
    const bool whole = length >= width;
    const int centre = whole ? std::clamp(t, half, length - 1 - half) : t;
    for (std::size_t i = 0; i < out[static_cast<std::size_t>(t)].size(); ++i) {
      std::vector<double> window;
      for (int k = -half; k <= half; ++k) {
        window.push_back(rows[static_cast<std::size_t>(std::clamp(centre + k, 0, length - 1))][i]);
      }
      out[static_cast<std::size_t>(t)][i] = fitted_derivative(window, order, t - centre);
    }
  }
  return out;
}

Matrix zero_crossing_rate(const Signal& signal, int frame_length, int hop_length) {
  Matrix out;
  for (std::size_t t = 0; t < frame_count(signal, hop_length); ++t) {
    const Signal x = frame(signal, t, frame_length, hop_length,
                           [&](bool after) { return after ? signal.back() : signal.front(); });
    const auto negative = [](double value) { return value < 0 && std::abs(value) > 1e-10; };
    double crossings = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {
      if (negative(x[i]) != negative(x[i - 1])) ++crossings;
    }
    out.push_back({crossings / frame_length});
  }
  return out;
}

Matrix rms(const Signal& signal, int frame_length, int hop_length) {
  Matrix out;
  for (std::size_t t = 0; t < frame_count(signal, hop_length); ++t) {
    double sum = 0;
    for (const double x : frame(signal, t, frame_length, hop_length, zero_outside)) sum += x * x;
    out.push_back({std::sqrt(sum / frame_length)});
  }
  return out;
}

std::pair<std::ptrdiff_t, std::ptrdiff_t> trim(const Signal& signal, double top_db,
                                               int frame_length, int hop_length) {
  constexpr double floor = 1e-5;
  const Matrix levels = rms(signal, frame_length, hop_length);
  double loudest = floor;
  for (const auto& level : levels) loudest = std::max(loudest, level[0]);
  std::ptrdiff_t first = -1;
  std::ptrdiff_t last = -1;
  for (std::size_t t = 0; t < levels.size(); ++t) {
    const double db = 20 * std::log10(std::max(levels[t][0], floor)) - 20 * std::log10(loudest);
    if (db <= -top_db) continue;
    last = static_cast<std::ptrdiff_t>(t);
    if (first < 0) first = last;
  }
  return {first * hop_length,
          std::min(static_cast<std::ptrdiff_t>(signal.size()), (last + 1) * hop_length)};
}

Matrix statistics(const Matrix& rows, const std::vector<std::string>& names) {
  std::vector<double> out;
  for (const std::string& name : names) {
    for (std::size_t i = 0; i < rows.front().size(); ++i) {
      std::vector<double> column;
      for (const auto& row : rows) column.push_back(row[i]);
      out.push_back(statistic(column, name));
    }
  }
  return {out};
}

}  // namespace serenade::reference
