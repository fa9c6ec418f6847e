#include "tests/reference/kaldi.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

namespace serenade::reference {
namespace {

constexpr auto least = static_cast<double>(std::numeric_limits<float>::epsilon());

double mel_of(double hz) { return 1127 * std::log(1 + hz / 700); }

/// Samples of every frame.
Matrix frames_of(const Signal& signal, const Kaldi& options) {
  const auto size = static_cast<int>(signal.size());
  int count = (size + options.hop_length / 2) / options.hop_length;
  int start = options.hop_length / 2 - options.window_length / 2;
  if (options.snip_edges) {
    count =
        size < options.window_length ? 0 : 1 + (size - options.window_length) / options.hop_length;
    start = 0;
  }
  Matrix frames;
  for (int t = 0; t < count; ++t) {
    auto& frame = frames.emplace_back();
    for (int i = 0; i < options.window_length; ++i) {
      int at = start + t * options.hop_length + i;
      while (at < 0 || at >= size) at = at < 0 ? -1 - at : 2 * size - 1 - at;
      frame.push_back(options.scale * signal[static_cast<std::size_t>(at)]);
    }
    if (!options.remove_dc_offset) continue;
    const double mean =
        std::accumulate(frame.begin(), frame.end(), 0.0) / static_cast<double>(frame.size());
    for (double& x : frame) x -= mean;
  }
  return frames;
}

std::vector<double> log_mel(std::vector<double> frame, const Kaldi& options) {
  const auto length = frame.size();
  for (std::size_t i = length; i-- > 0;) {
    frame[i] -= options.preemphasis * frame[i > 0 ? i - 1 : 0];
  }
  for (std::size_t i = 0; i < length; ++i) {
    const double cosine =
        std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length - 1));
    frame[i] *= options.povey ? std::pow(0.5 - 0.5 * cosine, 0.85) : 0.54 - 0.46 * cosine;
  }
  std::size_t points = 1;
  while (points < length) points *= 2;
  const double low = mel_of(options.low_freq);
  const double step = (mel_of(options.high_freq) - low) / (options.num_mel_bins + 1);
  std::vector<double> bands(static_cast<std::size_t>(options.num_mel_bins));
  for (std::size_t bin = 0; bin < points / 2; ++bin) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const double turns = static_cast<double>(bin * i % points) / static_cast<double>(points);
      sum += frame[i] * std::polar(1.0, -2 * std::numbers::pi * turns);
    }
    const double mel =
        mel_of(static_cast<double>(bin) * options.sample_rate / static_cast<double>(points));
    for (std::size_t band = 0; band < bands.size(); ++band) {
      const double centre = low + step * static_cast<double>(band + 1);
      bands[band] += std::norm(sum) * std::max(0.0, 1 - std::abs(mel - centre) / step);
    }
  }
  for (double& x : bands) x = std::log(std::max(x, least));
  return bands;
}

}  // namespace

Matrix kaldi_fbank(const Signal& signal, const Kaldi& options) {
  Matrix rows;
  for (const auto& frame : frames_of(signal, options)) rows.push_back(log_mel(frame, options));
  return rows;
}

Matrix kaldi_mfcc(const Signal& signal, const Kaldi& options, int num_ceps, double lifter) {
  Matrix rows;
  for (const auto& frame : frames_of(signal, options)) {
    auto row = dct({log_mel(frame, options)}, num_ceps)[0];
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] *= 1 + lifter / 2 * std::sin(std::numbers::pi * static_cast<double>(k) / lifter);
    }
    row[0] = std::log(
        std::max(std::inner_product(frame.begin(), frame.end(), frame.begin(), 0.0), least));
    rows.push_back(row);
  }
  return rows;
}

Matrix pcen(const Matrix& spectrogram, double sample_rate, int hop_length, double gain, double bias,
            double power, double time_constant, double eps, double scale) {
  const double frames = time_constant * sample_rate / hop_length;
  // The positive root of frames^2 b^2 + b = 1.
  const double share = 2 / (1 + std::sqrt(1 + 4 * frames * frames));
  Matrix result;
  std::vector<double> mean(spectrogram.empty() ? 0 : spectrogram[0].size(), 1.0);
  for (const auto& row : spectrogram) {
    auto& out = result.emplace_back();
    for (std::size_t band = 0; band < row.size(); ++band) {
      const double x = scale * row[band];
      mean[band] = share * x + (1 - share) * mean[band];
      const double normal = x / std::pow(eps + mean[band], gain);
      if (power == 0) {
        out.push_back(std::log1p(normal));
      } else if (bias == 0) {
        out.push_back(std::pow(normal, power));
      } else {  // (normal + bias)^power - bias^power, whose parts may be nearly the same
        out.push_back(std::pow(bias, power) * std::expm1(power * std::log1p(normal / bias)));
      }
    }
  }
  return result;
}

}  // namespace serenade::reference
