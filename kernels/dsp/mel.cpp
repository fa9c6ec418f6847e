#include "kernels/dsp/mel.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/mel.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

// The Slaney scale: linear below 1000 Hz, 27 steps of a constant ratio from there to 6400 Hz.
constexpr double hz_per_mel = 200.0 / 3;
constexpr double log_start_hz = 1000.0;
constexpr double log_start_mel = log_start_hz / hz_per_mel;
const double log_step = std::log(6.4) / 27.0;

double hz_to_mel(double hz, bool htk) {
  if (htk) return 2595.0 * std::log10(1.0 + hz / 700.0);
  if (hz < log_start_hz) return hz / hz_per_mel;
  return log_start_mel + std::log(hz / log_start_hz) / log_step;
}

double mel_to_hz(double mel, bool htk) {
  if (htk) return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
  if (mel < log_start_mel) return hz_per_mel * mel;
  return log_start_hz * std::exp(log_step * (mel - log_start_mel));
}

}  // namespace

struct MelBank::Table {
  Index bins = 0;
  std::vector<Index> first_bin;
  std::vector<std::size_t> offset{0};  // filter m owns weights [offset[m], offset[m + 1])
  std::vector<float> weights;
  std::vector<Index> empty;

  /// One more filter: weight_of(bin) for each bin, positive side by side and 0 elsewhere.
  template <class Weight>
  void add_filter(const Weight& weight_of) {
    Index first = -1;
    for (Index bin = 0; bin < bins; ++bin) {
      const float weight = weight_of(bin);
      if (!(weight > 0)) continue;
      if (first < 0) first = bin;
      weights.push_back(weight);
    }
    if (first < 0) empty.push_back(static_cast<Index>(first_bin.size()));
    first_bin.push_back(std::max<Index>(first, 0));
    offset.push_back(weights.size());
  }
};

namespace {

void check_band(double fmin, double fmax, double sample_rate, int n_fft) {
  if (!(sample_rate > 0) || n_fft < 2) {
    throw ConfigError("mel: sample_rate is " + shortest(sample_rate) + " and n_fft " +
                      std::to_string(n_fft) + ", but both must be positive");
  }
  const double nyquist = sample_rate / 2;
  if (!(fmin < fmax && fmax <= nyquist)) {
    throw ConfigError("mel: fmin is " + shortest(fmin) + " Hz and fmax " + shortest(fmax) +
                      " Hz, but they must satisfy fmin < fmax <= " + shortest(nyquist) +
                      " Hz, half the sample rate");
  }
}

}  // namespace

MelBank::MelBank(const MelOptions& options, double sample_rate, int n_fft) {
  check_ranges(options);
  const double fmax = options.fmax.value_or(sample_rate / 2);
  check_band(options.fmin, fmax, sample_rate, n_fft);
  auto table = std::make_shared<Table>();
  table->bins = 1 + n_fft / 2;

  // Corner frequencies: evenly spaced on the mel scale, in the order of operations of
  // numpy.linspace, so that weights equal librosa's after rounding to float32.
  const double low = hz_to_mel(options.fmin, options.htk);
  const double high = hz_to_mel(fmax, options.htk);
  const int corners = options.n_mels + 2;
  std::vector<double> corner(static_cast<std::size_t>(corners));
  for (int i = 0; i < corners; ++i) {
    const double mel = i + 1 == corners ? high : i * ((high - low) / (corners - 1)) + low;
    corner[static_cast<std::size_t>(i)] = mel_to_hz(mel, options.htk);
  }
  const double hz_per_bin = 1.0 / (n_fft * (1.0 / sample_rate));
  for (std::size_t mel = 0; mel < static_cast<std::size_t>(options.n_mels); ++mel) {
    const double left = corner[mel];
    const double centre = corner[mel + 1];
    const double right = corner[mel + 2];
    const double area = 2.0 / (right - left);
    table->add_filter([&](Index bin) {
      const double hz = static_cast<double>(bin) * hz_per_bin;
      const double rising = -(left - hz) / (centre - left);
      const double falling = (right - hz) / (right - centre);
      // Rounded before and after the normalisation, as librosa's float32 array is.
      const auto triangle = static_cast<float>(std::max(0.0, std::min(rising, falling)));
      if (options.mel_norm == MelNorm::none) return triangle;
      return static_cast<float>(static_cast<double>(triangle) * area);
    });
  }
  table_ = std::move(table);
}

MelBank MelBank::kaldi(int n_mels, double fmin, double fmax, double sample_rate, int n_fft) {
  check_band(fmin, fmax, sample_rate, n_fft);
  const auto mel_of = [](double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); };
  auto table = std::make_shared<Table>();
  table->bins = 1 + n_fft / 2;
  const double low = mel_of(fmin);
  const double step = (mel_of(fmax) - low) / (n_mels + 1);
  for (int band = 0; band < n_mels; ++band) {
    const double left = low + band * step;
    table->add_filter([&](Index bin) {
      const double mel = mel_of(static_cast<double>(bin) * sample_rate / n_fft);
      const double height = std::min(mel - left, left + 2 * step - mel) / step;
      return bin == n_fft / 2 ? 0.0F : static_cast<float>(std::max(0.0, height));
    });
  }
  return MelBank(std::move(table));
}

Index MelBank::bins() const { return table_->bins; }
Index MelBank::n_mels() const { return static_cast<Index>(table_->first_bin.size()); }
std::span<const Index> MelBank::empty_filters() const { return table_->empty; }

MelBank::Filter MelBank::filter(Index mel) const {
  const auto m = static_cast<std::size_t>(mel);
  const std::size_t begin = table_->offset[m];
  return {table_->first_bin[m],
          std::span(table_->weights).subspan(begin, table_->offset[m + 1] - begin)};
}

void mel_power(Context& context, Tensor<const float> power, const MelBank& bank,
               Tensor<float> out) {
  const Index frames = power.rank() == 2 ? power.extent(0) : 0;
  expect_shape("mel_power", "power", power.shape(), Shape{frames, bank.bins()});
  expect_shape("mel_power", "out", out.shape(), Shape{frames, bank.n_mels()});
  expect_on_device("mel_power", context, power, out);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) return cuda::mel_power(context, power, bank, out);
  }
  cpu::mel_power(context, power, bank, out);
}

namespace cpu {

void mel_power_tile(const MelBank& bank, const float* power, float* mel) {
  ON_VECTOR_PATH(mel_power_tile)(bank, power, mel);
}

void mel_power(Context& context, Tensor<const float> power, const MelBank& bank,
               Tensor<float> out) {
  for_each_tile(context, power, out,
                [&](const float* in, float* mel) { mel_power_tile(bank, in, mel); });
}

}  // namespace cpu
}  // namespace serenade
