#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <map>
#include <mutex>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

/// A filter's spectrum: `length` samples of e^(i turn s) in a Hann window of sum 1, s = 0 in its
/// middle, which lies in the middle of n_fft samples; times length / n_fft.
class FilterSpectrum {
 public:
  FilterSpectrum(double turn, double length, Index n_fft)
      : turn_(turn), n_fft_(n_fft), before_(static_cast<Index>(std::floor(-length / 2))) {
    count_ = static_cast<Index>(std::floor(length / 2)) - before_;
    step_ = 2 * pi / static_cast<double>(count_);
    left_ = (n_fft - count_) / 2;
    scale_ = length / static_cast<double>(n_fft) / (static_cast<double>(count_) / 2);
  }

  Index bins() const { return n_fft_ / 2 + 1; }
  /// Where it is largest, bins.
  double peak() const { return turn_ / (2 * pi) * static_cast<double>(n_fft_); }
  /// Bins of one side lobe.
  double lobe() const { return static_cast<double>(n_fft_) / static_cast<double>(count_); }

  std::complex<double> at(Index bin) const {
    const double bin_turn = 2 * pi * static_cast<double>(bin) / static_cast<double>(n_fft_);
    const double phase = turn_ - bin_turn;
    const auto sum = 0.5 * sum_of_turns(phase, count_) -
                     0.25 * sum_of_turns(phase + step_, count_) -
                     0.25 * sum_of_turns(phase - step_, count_);
    const double shift =
        turn_ * static_cast<double>(before_) - bin_turn * static_cast<double>(left_);
    return sum * std::polar(scale_, shift);
  }

  /// What magnitudes at least `distance` > lobe() bins away from the peak may be, on one side.
  struct Tail {
    double largest = 0;
    double sum = 0;
  };
  /// With a = pi distance / n_fft, h = pi / count, H = sin^2 h and s = sin a the three sums of
  /// turns add up to the magnitude H |sin(count a)| cos a / (2 s (s^2 - H)). That is at most f(a) =
  /// H cos a / (2 s (s^2 - H)), which falls from h to pi / 2, so bins from a on are at most f(a)
  /// each and together f(a) + n_fft / pi times the integral of f, which is -log(1 - H / s^2) / 4.
  Tail tail(double distance) const {
    const double a = pi * distance / static_cast<double>(n_fft_);
    const double s = std::sin(a);
    const double h = std::pow(std::sin(step_ / 2), 2);
    Tail tail;
    tail.largest = scale_ * h * std::cos(a) / (2 * s * (s * s - h));
    tail.sum =
        tail.largest - scale_ * static_cast<double>(n_fft_) / (4 * pi) * std::log1p(-h / (s * s));
    return tail;
  }

 private:
  double turn_;
  Index n_fft_, before_, count_, left_;
  double step_, scale_;
};

/// The smallest magnitude that is kept, of all.
double threshold_of(std::vector<double> magnitudes) {
  const double sum = std::accumulate(magnitudes.begin(), magnitudes.end(), 0.0);
  std::sort(magnitudes.begin(), magnitudes.end());
  double share = 0;
  for (const double x : magnitudes) {
    share += x / sum;
    if (!(share < sparsity)) return x;
  }
  return magnitudes.front();
}

/// The same from some of the magnitudes, when the others are known to be at most largest, and their
/// sum to be from 0 to sum; none where it depends on what they are.
std::optional<double> threshold_of(std::vector<double> magnitudes, FilterSpectrum::Tail others) {
  // Far more than what is lost by rounding half a million bins and their sum.
  constexpr double doubt = 1e-8;
  const double sum = std::accumulate(magnitudes.begin(), magnitudes.end(), 0.0);
  std::sort(magnitudes.begin(), magnitudes.end(), std::greater<>());
  double larger = 0;
  for (const double x : magnitudes) {
    if (larger + x > (1 - sparsity + doubt) * (sum + others.sum)) {
      const bool is_first = larger < (1 - sparsity - doubt) * sum;
      return is_first && x > others.largest ? std::optional(x) : std::nullopt;
    }
    larger += x;
  }
  return std::nullopt;
}

/// Neighbouring bins of a spectrum, all that are kept among them.
struct Kept {
  Index first = 0;
  std::vector<std::complex<double>> bins;
  double threshold = 0;
};

/// All but a few bins around the peak are small, and bounds on them nearly always tell which to
/// keep: of a filter of a million samples some hundred bins are computed instead of half a million.
Kept kept_of(const FilterSpectrum& spectrum) {
  for (double lobes = 32;; lobes *= 4) {
    const double reach = lobes * spectrum.lobe();
    const auto low = static_cast<Index>(std::ceil(spectrum.peak() - reach));
    const auto high = static_cast<Index>(std::floor(spectrum.peak() + reach));
    const int tails = (low > 0 ? 1 : 0) + (high < spectrum.bins() - 1 ? 1 : 0);
    Kept kept{std::max<Index>(low, 0), {}, 0};
    std::vector<double> magnitudes;
    for (Index bin = kept.first; bin <= std::min(high, spectrum.bins() - 1); ++bin) {
      kept.bins.push_back(spectrum.at(bin));
      magnitudes.push_back(std::abs(kept.bins.back()));
    }
    if (tails == 0) {
      kept.threshold = threshold_of(std::move(magnitudes));
      return kept;
    }
    FilterSpectrum::Tail others = spectrum.tail(reach);
    others.sum *= tails;
    if (const auto threshold = threshold_of(std::move(magnitudes), others)) {
      kept.threshold = *threshold;
      return kept;
    }
  }
}

void add_filter(const FilterSpectrum& spectrum, double scale, CqtPlan::Octave& octave) {
  const Kept kept = kept_of(spectrum);
  const auto is_kept = [&](const std::complex<double>& x) { return std::abs(x) >= kept.threshold; };
  const auto first = std::find_if(kept.bins.begin(), kept.bins.end(), is_kept);
  const auto last = std::find_if(kept.bins.rbegin(), kept.bins.rend(), is_kept).base();
  octave.filters.push_back({kept.first + (first - kept.bins.begin()), last - first,
                            static_cast<Index>(octave.weights.size())});
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
      add_filter(FilterSpectrum(2 * pi * hz / rate, q * rate / hz, n_fft), scale, octave);
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
    throw ConfigError("cqt: the highest filter reaches up to " + shortest(std::round(highest)) +
                      " Hz, but half the sample rate is " + shortest(sample_rate / 2) +
                      " Hz: use a sample_rate of at least " + shortest(std::ceil(2 * highest)) +
                      ", a lower fmin, or fewer n_bins or octaves");
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
