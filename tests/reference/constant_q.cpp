#include "tests/reference/constant_q.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "kernels/dsp/soxr.h"

namespace serenade::reference {
namespace {

using Complex = std::complex<double>;
constexpr double pi = std::numbers::pi;

Signal decimated(const Signal& signal, int by) {
  const std::size_t length = (signal.size() + static_cast<std::size_t>(by) - 1) / by;
  Signal out(length);
  Soxr<double>(by, 1)(signal, out);
  for (double& x : out) x *= std::sqrt(static_cast<double>(by));
  return out;
}

/// librosa.filters.wavelet: a turning pointer in a Hann window, absolute values of sum 1, in the
/// middle of `size` samples.
std::vector<Complex> wavelet(double hz, double rate, double length, std::size_t size) {
  std::vector<Complex> samples;
  const double first = std::floor(-length / 2);
  for (double s = first; s < std::floor(length / 2); ++s) {
    samples.push_back(std::polar(1.0, 2 * pi * hz / rate * s));
  }
  double sum = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double part = static_cast<double>(i) / static_cast<double>(samples.size());
    samples[i] *= 0.5 - 0.5 * std::cos(2 * pi * part);
    sum += std::abs(samples[i]);
  }
  std::vector<Complex> padded(size);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    padded[(size - samples.size()) / 2 + i] = samples[i] / sum;
  }
  return padded;
}

/// The wavelet's spectrum without its smallest bins, and what it is back in time: sample s is
/// multiplied by the sum over bins of weight e^(-2 pi i bin s / size).
std::vector<Complex> sparse_filter(const std::vector<Complex>& samples, double length) {
  const std::size_t size = samples.size();
  const auto turn = [&](std::size_t bin, std::size_t s) {
    return std::polar(1.0,
                      -2 * pi * static_cast<double>(bin * s % size) / static_cast<double>(size));
  };
  std::vector<Complex> spectrum;
  std::vector<double> sorted;
  for (std::size_t bin = 0; bin <= size / 2; ++bin) {
    Complex sum = 0;
    for (std::size_t s = 0; s < size; ++s) sum += samples[s] * turn(bin, s);
    spectrum.push_back(sum * length / static_cast<double>(size));
    sorted.push_back(std::abs(spectrum.back()));
  }
  std::sort(sorted.begin(), sorted.end());
  double whole = 0;
  for (const double x : sorted) whole += x;
  double share = 0;
  double threshold = 0;
  for (const double x : sorted) {
    share += x / whole;
    threshold = x;
    if (share >= 0.01) break;
  }
  std::vector<Complex> filter(size);
  for (std::size_t bin = 0; bin <= size / 2; ++bin) {
    if (std::abs(spectrum[bin]) < threshold) continue;
    for (std::size_t s = 0; s < size; ++s) filter[s] += spectrum[bin] * turn(bin, s);
  }
  return filter;
}

double response(const Signal& signal, const std::vector<Complex>& filter, std::ptrdiff_t centre) {
  Complex sum = 0;
  const std::ptrdiff_t first = centre - static_cast<std::ptrdiff_t>(filter.size() / 2);
  for (std::size_t s = 0; s < filter.size(); ++s) {
    const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(s);
    if (at < 0 || at >= static_cast<std::ptrdiff_t>(signal.size())) continue;
    sum += signal[static_cast<std::size_t>(at)] * filter[s];
  }
  return std::abs(sum);
}

}  // namespace

Matrix cqt(const Signal& signal, double sample_rate, const ConstantQ& options) {
  const double ratio = std::exp2(2.0 / options.bins_per_octave);
  const double q = (ratio + 1) / (ratio - 1);
  const auto hz_of = [&](int bin) {
    return options.fmin * std::exp2((bin + options.tuning) / options.bins_per_octave);
  };
  const int octaves = (options.n_bins + options.bins_per_octave - 1) / options.bins_per_octave;
  const auto frames = 1 + signal.size() / static_cast<std::size_t>(options.hop_length);
  Matrix result(frames, std::vector<double>(static_cast<std::size_t>(options.n_bins)));

  // "Early downsampling".
  const double cutoff = hz_of(options.n_bins - 1) * (1 + 0.5 * 1.50018310546875 / q);
  int hop = options.hop_length;
  int twos = 0;
  for (int left = hop; left % 2 == 0; left /= 2) ++twos;
  const int early =
      std::max(0, std::min(static_cast<int>(std::ceil(std::log2(sample_rate / 2 / cutoff))) - 2,
                           twos - octaves + 1));
  Signal now = early > 0 ? decimated(signal, 1 << early) : signal;
  hop >>= early;
  const double first_rate = sample_rate / (1 << early);
  double rate = first_rate;
  for (int octave = 0; octave < octaves; ++octave) {
    const int end = options.n_bins - octave * options.bins_per_octave;
    const int begin = std::max(0, end - options.bins_per_octave);
    std::size_t size = 1;
    while (static_cast<double>(size) < q * rate / hz_of(begin)) size *= 2;
    for (int bin = begin; bin < end; ++bin) {
      const double length = q * rate / hz_of(bin);
      const auto filter = sparse_filter(wavelet(hz_of(bin), rate, length, size), length);
      const double scale = std::sqrt(first_rate / rate) / std::sqrt(q * first_rate / hz_of(bin));
      for (std::size_t t = 0; t < frames; ++t) {
        const auto centre = static_cast<std::ptrdiff_t>(t) * hop;
        result[t][static_cast<std::size_t>(bin)] = scale * response(now, filter, centre);
      }
    }
    if (octave + 1 < octaves && hop % 2 == 0 && hz_of(begin - 1) <= rate / 5) {
      now = decimated(now, 2);
      hop /= 2;
      rate /= 2;
    }
  }
  return result;
}

Matrix fold_octaves(const Matrix& magnitude, int bins_per_octave, int n_chroma) {
  const int merged = bins_per_octave / n_chroma;
  Matrix result;
  for (const auto& row : magnitude) {
    std::vector<double> classes(static_cast<std::size_t>(n_chroma));
    for (std::size_t bin = 0; bin < row.size(); ++bin) {
      const auto steps = (static_cast<int>(bin) + merged / 2) / merged;
      classes[static_cast<std::size_t>(steps % n_chroma)] += row[bin];
    }
    result.push_back(std::move(classes));
  }
  return result;
}

Matrix divide_by_largest(const Matrix& rows) {
  Matrix result = rows;
  for (auto& row : result) {
    const double largest = *std::max_element(row.begin(), row.end());
    for (double& x : row) x = largest > 0 ? x / largest : 0;
  }
  return result;
}

Matrix chroma_cens(const Matrix& chroma, int width) {
  Matrix quarters = chroma;
  for (auto& row : quarters) {
    double sum = 0;
    for (const double x : row) sum += x;
    for (double& x : row) {
      const double share = sum > 0 ? x / sum : 0;
      x = 0;
      for (const double step : {0.4, 0.2, 0.1, 0.05}) x += share > step ? 0.25 : 0;
    }
  }
  std::vector<double> window;
  double window_sum = 0;
  for (int i = 0; i < width + 2; ++i) {
    window.push_back(0.5 - 0.5 * std::cos(2 * pi * i / (width + 1)));
    window_sum += window.back();
  }
  Matrix result = chroma;
  const auto frames = static_cast<std::ptrdiff_t>(chroma.size());
  for (std::ptrdiff_t t = 0; t < frames; ++t) {
    auto& row = result[static_cast<std::size_t>(t)];
    double squares = 0;
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = 0;
      for (std::ptrdiff_t i = 0; i < width + 2; ++i) {
        const std::ptrdiff_t from = t + (width + 2) / 2 - i;
        if (from < 0 || from >= frames) continue;
        row[c] += window[static_cast<std::size_t>(i)] / window_sum *
                  quarters[static_cast<std::size_t>(from)][c];
      }
      squares += row[c] * row[c];
    }
    for (double& x : row) x = squares > 0 ? x / std::sqrt(squares) : 0;
  }
  return result;
}

}  // namespace serenade::reference
