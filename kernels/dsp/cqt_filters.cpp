#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <mutex>
#include <numbers>
#include <string>
#include <utility>

#include "kernels/dsp/cqt.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/tuning.h"

namespace serenade {
namespace {

constexpr double pi = std::numbers::pi;
/// Of what a filter's bins add up to, what its smallest bins may and are dropped for.
constexpr double sparsity = 0.01;
/// Bandwidth of a Hann window, bins, as librosa counts it.
constexpr double hann_bandwidth = 1.50018310546875;
/// Most samples that a filter may be spread over.
constexpr double longest_filter = 1 << 20;

/// Periods in a filter's window, the same for all: frequency over bandwidth.
double quality(int bins_per_octave) {
  const double ratio = std::exp2(2.0 / bins_per_octave);
  return (ratio + 1) / (ratio - 1);
}

double frequency(const CqtOptions& options, double tuning, Index bin) {
  return options.fmin * std::exp2((static_cast<double>(bin) + tuning) /
                                  static_cast<double>(options.bins_per_octave));
}

/// Where the highest filter has ended, Hz.
double cutoff(const CqtOptions& options, double tuning) {
  return frequency(options, tuning, options.n_bins - 1) *
         (1 + 0.5 * hann_bandwidth / quality(options.bins_per_octave));
}

int times_even(int number) {
  int count = 0;
  for (; number % 2 == 0; number /= 2) ++count;
  return count;
}

/// e^(i 0) + e^(i phase) + ... + e^(i (count - 1) phase)
std::complex<double> sum_of_turns(double phase, Index count) {
  const double half = std::sin(phase / 2);
  const auto n = static_cast<double>(count);
  if (std::abs(half) < 1e-12) return n;
  return std::polar(std::sin(n * phase / 2) / half, (n - 1) * phase / 2);
}

/// A filter's spectrum, bins 0 to n_fft / 2: `length` samples of e^(i turn s) in a Hann window of
/// sum 1, s = 0 in its middle, which lies in the middle of n_fft samples; times length / n_fft.
std::vector<std::complex<double>> filter_spectrum(double turn, double length, Index n_fft) {
  const auto before = static_cast<Index>(std::floor(-length / 2));
  const Index count = static_cast<Index>(std::floor(length / 2)) - before;
  const double step = 2 * pi / static_cast<double>(count);
  const Index left = (n_fft - count) / 2;
  const double scale = length / static_cast<double>(n_fft) / (static_cast<double>(count) / 2);
  std::vector<std::complex<double>> spectrum;
  for (Index bin = 0; bin <= n_fft / 2; ++bin) {
    const double bin_turn = 2 * pi * static_cast<double>(bin) / static_cast<double>(n_fft);
    const double phase = turn - bin_turn;
    const auto sum = 0.5 * sum_of_turns(phase, count) - 0.25 * sum_of_turns(phase + step, count) -
                     0.25 * sum_of_turns(phase - step, count);
    const double shift = turn * static_cast<double>(before) - bin_turn * static_cast<double>(left);
    spectrum.push_back(sum * std::polar(scale, shift));
  }
  return spectrum;
}

/// The smallest magnitude that is kept.
double threshold_of(const std::vector<std::complex<double>>& spectrum) {
  std::vector<double> magnitudes;
  double sum = 0;
  for (const auto& x : spectrum) {
    magnitudes.push_back(std::abs(x));
    sum += magnitudes.back();
  }
  std::sort(magnitudes.begin(), magnitudes.end());
  double share = 0;
  for (const double x : magnitudes) {
    share += x / sum;
    if (!(share < sparsity)) return x;
  }
  return magnitudes.front();
}

void add_filter(const std::vector<std::complex<double>>& spectrum, double scale,
                CqtPlan::Octave& octave) {
  const double threshold = threshold_of(spectrum);
  const auto is_kept = [&](const std::complex<double>& x) { return std::abs(x) >= threshold; };
  const auto first = std::find_if(spectrum.begin(), spectrum.end(), is_kept);
  const auto last = std::find_if(spectrum.rbegin(), spectrum.rend(), is_kept).base();
  octave.filters.push_back(
      {first - spectrum.begin(), last - first, static_cast<Index>(octave.weights.size())});
  for (auto x = first; x != last; ++x) {
    const std::complex<double> weight = is_kept(*x) ? *x * scale : 0.0;
    octave.weights.push_back(static_cast<float>(weight.real()));
    octave.weights.push_back(static_cast<float>(weight.imag()));
  }
}

/// libsoxr's filter for one of every `decimation` samples; measured once.
ResampleBank decimator_of(int decimation) {
  static std::mutex mutex;
  static std::map<int, ResampleBank> banks;
  const std::lock_guard lock(mutex);
  const auto known = banks.find(decimation);
  if (known != banks.end()) return known->second;
  std::optional<ResampleBank> bank = ResampleBank::measure(decimation, 1);
  if (!bank) {
    throw ConfigError("cqt: libsoxr's filter for a rate divided by " + std::to_string(decimation) +
                      " cannot be measured: use a higher fmin or more n_bins");
  }
  return banks.emplace(decimation, std::move(*bank)).first->second;
}

std::shared_ptr<const cpu::FftPlan> plain_transform(int n_fft, int hop_length) {
  return std::make_shared<const cpu::FftPlan>(
      std::vector<double>(static_cast<std::size_t>(n_fft), 1.0), n_fft, hop_length);
}

std::vector<CqtPlan::Octave> make_octaves(const CqtOptions& options, double tuning,
                                          double sample_rate, int hop_length) {
  const double q = quality(options.bins_per_octave);
  const auto in_octave = static_cast<Index>(options.bins_per_octave);
  const Index count = (options.n_bins + in_octave - 1) / in_octave;

  // What librosa calls early downsampling.
  const int by_frequency =
      static_cast<int>(std::ceil(std::log2(sample_rate / 2 / cutoff(options, tuning)))) - 2;
  const int by_hop = times_even(hop_length) - static_cast<int>(count) + 1;
  int decimation = 1 << std::max(0, std::min(by_frequency, by_hop));
  const double first_rate = sample_rate / decimation;

  std::vector<CqtPlan::Octave> octaves;
  double rate = first_rate;
  int hop = hop_length / decimation;
  // librosa scales by the square root of each decimation.
  double gain = std::sqrt(static_cast<double>(decimation));
  for (Index i = 0; i < count; ++i) {
    CqtPlan::Octave octave;
    octave.decimation = decimation;
    if (decimation > 1) octave.decimator = decimator_of(decimation);
    octave.hop_length = hop;
    octave.first_bin = std::max<Index>(0, options.n_bins - in_octave * (i + 1));
    const Index end = options.n_bins - in_octave * i;
    const double longest = q * rate / frequency(options, tuning, octave.first_bin);
    const int n_fft = 1 << static_cast<int>(std::ceil(std::log2(longest)));
    octave.fft = plain_transform(n_fft, hop);
    for (Index bin = octave.first_bin; bin < end; ++bin) {
      const double hz = frequency(options, tuning, bin);
      const double scale = gain * std::sqrt(first_rate / rate) / std::sqrt(q * first_rate / hz);
      add_filter(filter_spectrum(2 * pi * hz / rate, q * rate / hz, n_fft), scale, octave);
    }
    octaves.push_back(std::move(octave));
    decimation = 1;
    const bool is_low =
        i + 1 < count && frequency(options, tuning, octaves.back().first_bin - 1) <= rate / 5;
    if (is_low && hop % 2 == 0) {
      decimation = 2;
      hop /= 2;
      rate /= 2;
      gain *= std::sqrt(2.0);
    }
  }
  return octaves;
}

}  // namespace

struct CqtPlan::Table {
  std::array<std::once_flag, tuning_steps> made;
  std::array<std::vector<Octave>, tuning_steps> octaves;
};

CqtPlan::CqtPlan(const CqtOptions& options, double sample_rate, int hop_length)
    : options_(options),
      sample_rate_(sample_rate),
      hop_length_(hop_length),
      table_(std::make_shared<Table>()) {
  check_ranges(options);
  if (!(sample_rate > 0) || hop_length < 1) {
    throw ConfigError("cqt: sample_rate is " + shortest(sample_rate) + " and hop_length " +
                      std::to_string(hop_length) + ", but both must be positive");
  }
  const double highest = cutoff(options, options.tuning.value_or(0.5));
  if (highest > sample_rate / 2) {
    throw ConfigError(
        "cqt: the highest filter reaches up to " + shortest(std::round(highest)) +
        " Hz, beyond half of sample_rate: use fewer n_bins or octaves, or a lower fmin");
  }
  const double longest = quality(options.bins_per_octave) * sample_rate /
                         frequency(options, options.tuning.value_or(-0.5), 0);
  if (longest > longest_filter) {
    throw ConfigError("cqt: the lowest filter is longer than " +
                      std::to_string(static_cast<int>(longest_filter)) +
                      " samples: use a higher fmin or fewer bins_per_octave");
  }
}

const std::vector<CqtPlan::Octave>& CqtPlan::octaves(float tuning) const {
  const std::size_t step = options_.tuning ? 0 : tuning_step_of(tuning);
  std::call_once(table_->made[step], [&] {
    const double value = options_.tuning.value_or(tuning_of_step(step));
    table_->octaves[step] = make_octaves(options_, value, sample_rate_, hop_length_);
  });
  return table_->octaves[step];
}

}  // namespace serenade
