#include "tests/reference/pitch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace serenade::reference {
namespace {

std::size_t shortest_period(double sample_rate, double fmax) {
  return static_cast<std::size_t>(std::floor(sample_rate / fmax));
}

double shift_at(const std::vector<double>& x, std::size_t i) {
  if (i == 0 || i + 1 == x.size()) return 0;
  const double a = x[i + 1] + x[i - 1] - 2 * x[i];
  const double b = (x[i + 1] - x[i - 1]) / 2;
  return std::abs(b) >= std::abs(a) ? 0 : -b / a;
}

std::vector<std::size_t> troughs(const std::vector<double>& x) {
  std::vector<std::size_t> found;
  if (x[0] < x[1]) found.push_back(0);
  for (std::size_t i = 1; i + 1 < x.size(); ++i) {
    if (x[i] < x[i - 1] && x[i] <= x[i + 1]) found.push_back(i);
  }
  if (x[x.size() - 1] < x[x.size() - 2]) found.push_back(x.size() - 1);
  return found;
}

/// Of beta(2, 18), by the integral of its density in small steps (Simpson's rule is exact enough).
double beta_between(double low, double high) {
  const auto density = [](double x) { return 18.0 * 19.0 * x * std::pow(1 - x, 17); };
  constexpr int steps = 200;
  const double width = (high - low) / steps;
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double x = low + i * width;
    sum += (density(x) + 4 * density(x + width / 2) + density(x + width)) * width / 6;
  }
  return sum;
}

}  // namespace

Matrix yin_differences(const Signal& signal, double sample_rate, double fmin, double fmax,
                       int frame_length, int hop_length) {
  Matrix rows;
  if (signal.empty()) return rows;
  const std::size_t low = shortest_period(sample_rate, fmax);
  const auto high = std::min(static_cast<std::size_t>(std::ceil(sample_rate / fmin)),
                             static_cast<std::size_t>(frame_length) - 1);
  const auto length = static_cast<std::size_t>(frame_length);
  for (std::size_t t = 0; t <= signal.size() / static_cast<std::size_t>(hop_length); ++t) {
    std::vector<double> x(length);
    for (std::size_t i = 0; i < length; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(t) * hop_length + static_cast<std::ptrdiff_t>(i) -
                      frame_length / 2;
      if (at >= 0 && at < static_cast<std::ptrdiff_t>(signal.size())) {
        x[i] = signal[static_cast<std::size_t>(at)];
      }
    }
    const auto correlation = [&](std::size_t k) {
      double sum = 0;
      for (std::size_t i = 0; i + k < length; ++i) sum += x[i] * x[i + k];
      return sum;
    };
    const double whole = correlation(0);
    double energy = 0;
    double sum = 0;
    auto& row = rows.emplace_back();
    for (std::size_t k = 1; k <= high; ++k) {
      energy += x[k - 1] * x[k - 1];
      // librosa's first running sum of squares is 0.
      const double d = 2 * (whole - correlation(k)) - (k == 1 ? 0 : energy);
      sum += d;
      const auto tiny = static_cast<double>(std::numeric_limits<float>::min());
      if (k >= low) row.push_back(d / (sum / static_cast<double>(k) + tiny));
    }
  }
  return rows;
}

Matrix yin(const Signal& signal, double sample_rate, double fmin, double fmax, double threshold,
           int frame_length, int hop_length) {
  Matrix result;
  for (const auto& row :
       yin_differences(signal, sample_rate, fmin, fmax, frame_length, hop_length)) {
    auto best = static_cast<std::size_t>(std::min_element(row.begin(), row.end()) - row.begin());
    for (const std::size_t i : troughs(row)) {
      if (row[i] >= threshold) continue;
      best = i;
      break;
    }
    const auto period = static_cast<double>(shortest_period(sample_rate, fmax) + best);
    result.push_back({sample_rate / (period + shift_at(row, best))});
  }
  return result;
}

Matrix pyin(const Signal& signal, double sample_rate, double fmin, double fmax, int frame_length,
            int hop_length) {
  const auto pitches = static_cast<std::size_t>(120 * std::log2(fmax / fmin)) + 1;
  const Matrix differences =
      yin_differences(signal, sample_rate, fmin, fmax, frame_length, hop_length);
  Matrix result;
  if (differences.empty()) return result;

  // Probabilities of what is seen in each state: voiced pitches, then unvoiced.
  Matrix seen;
  std::vector<double> voiced;
  for (const auto& row : differences) {
    const auto minima = troughs(row);
    std::vector<double> weights(minima.size());
    for (int j = 0; j < 100 && !minima.empty(); ++j) {
      const double threshold = 0.01 * (j + 1);
      const double likely = beta_between(0.01 * j, threshold);
      const auto is_below = [&](std::size_t i) { return row[i] < threshold; };
      const auto below = std::count_if(minima.begin(), minima.end(), is_below);
      double place = 0;
      for (std::size_t i = 0; i < minima.size(); ++i) {
        if (!is_below(minima[i])) continue;
        weights[i] += likely * std::exp(-2 * place) * (1 - std::exp(-2.0)) /
                      (1 - std::exp(-2.0 * static_cast<double>(below)));
        ++place;
      }
      const auto lowest =
          std::min_element(minima.begin(), minima.end(),
                           [&](std::size_t a, std::size_t b) { return row[a] < row[b]; });
      if (below == 0) weights[static_cast<std::size_t>(lowest - minima.begin())] += 0.01 * likely;
    }
    auto& states = seen.emplace_back(2 * pitches);
    for (std::size_t i = 0; i < minima.size(); ++i) {
      if (weights[i] == 0) continue;
      const double period = static_cast<double>(shortest_period(sample_rate, fmax) + minima[i]) +
                            shift_at(row, minima[i]);
      const double pitch = std::nearbyint(120 * std::log2(sample_rate / period / fmin));
      const auto state =
          static_cast<std::size_t>(std::clamp(pitch, 0.0, static_cast<double>(pitches)));
      states[state] = weights[i];
    }
    voiced.push_back(std::clamp(
        std::accumulate(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(pitches), 0.0),
        0.0, 1.0));
    for (std::size_t i = pitches; i < 2 * pitches; ++i) {
      states[i] = (1 - voiced.back()) / static_cast<double>(pitches);
    }
  }

  const auto reach =
      static_cast<std::ptrdiff_t>(5 * std::nearbyint(35.92 * 12 * hop_length / sample_rate));
  std::vector<std::vector<std::pair<std::size_t, double>>> ways(2 * pitches);  // into each state
  for (std::size_t from = 0; from < pitches; ++from) {
    const auto height = [&](std::size_t to) {
      const auto away =
          std::abs(static_cast<std::ptrdiff_t>(to) - static_cast<std::ptrdiff_t>(from));
      return static_cast<double>(std::max<std::ptrdiff_t>(0, reach + 1 - away));
    };
    double sum = 0;
    for (std::size_t to = 0; to < pitches; ++to) sum += height(to);
    for (std::size_t to = 0; to < pitches; ++to) {
      for (const bool change : {false, true}) {
        const double p = (change ? 0.01 : 0.99) * height(to) / sum;
        if (p < 1e-4) continue;
        ways[to + (change ? pitches : 0)].emplace_back(from, std::log(p));
        ways[to + (change ? 0 : pitches)].emplace_back(from + pitches, std::log(p));
      }
    }
  }
  const double nothing = std::numeric_limits<double>::min();
  std::vector<double> value;
  for (const double p : seen[0]) {
    value.push_back(std::log(p + nothing) - std::log(2.0 * static_cast<double>(pitches)));
  }
  std::vector<std::vector<std::size_t>> came_from(seen.size());
  for (std::size_t t = 1; t < seen.size(); ++t) {
    std::vector<double> next;
    for (std::size_t state = 0; state < 2 * pitches; ++state) {
      double best = -std::numeric_limits<double>::infinity();
      std::size_t origin = 0;
      for (const auto& [from, cost] : ways[state]) {
        if (value[from] + cost <= best) continue;
        best = value[from] + cost;
        origin = from;
      }
      came_from[t].push_back(origin);
      next.push_back(best + std::log(seen[t][state] + nothing));
    }
    value = next;
  }
  auto state =
      static_cast<std::size_t>(std::max_element(value.begin(), value.end()) - value.begin());
  for (std::size_t t = seen.size(); t-- > 0;) {
    const bool is_voiced = state < pitches;
    const double pitch = fmin * std::pow(2.0, static_cast<double>(state % pitches) / 120);
    result.push_back({is_voiced ? pitch : 0, is_voiced ? 1.0 : 0.0, voiced[t]});
    if (t > 0) state = came_from[t][state];
  }
  std::reverse(result.begin(), result.end());
  return result;
}

}  // namespace serenade::reference
