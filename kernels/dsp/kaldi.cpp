#include "kernels/dsp/kaldi.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "kernels/device/checks.h"
#include "kernels/dsp/fft.h"
#include "kernels/dsp/frames.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/mirrored.h"

#define HWY_TARGET_INCLUDE "kernels/dsp/kaldi.simd.h"
#include "kernels/device/each_path.h"

namespace serenade {
namespace {

std::vector<double> window_of(KaldiWindow window, Index length) {
  std::vector<double> all;
  for (Index i = 0; i < length; ++i) {
    const double phase =
        2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length - 1);
    const double hann = 0.5 - 0.5 * std::cos(phase);
    switch (window) {
      case KaldiWindow::povey:
        all.push_back(std::pow(hann, 0.85));
        break;
      case KaldiWindow::hamming:
        all.push_back(0.54 - 0.46 * std::cos(phase));
        break;
      case KaldiWindow::hann:
        all.push_back(hann);
        break;
      case KaldiWindow::rectangular:
        all.push_back(1.0);
        break;
    }
  }
  return all;
}

}  // namespace

Index kaldi_window_length(const KaldiFrameOptions& options, double sample_rate) {
  return static_cast<Index>(sample_rate * 0.001 * options.frame_length);
}

Ragged kaldi_frames_of(const Ragged& samples, Index window_length, int hop_length,
                       bool snip_edges) {
  Ragged frames;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    const Index length = samples.length(clip);
    if (snip_edges) {
      frames.append(length < window_length ? 0 : 1 + (length - window_length) / hop_length);
    } else {
      frames.append((length + hop_length / 2) / hop_length);
    }
  }
  return frames;
}

struct KaldiPlan::Table {
  Table(const KaldiFrameOptions& frame_options, int bands, double sample_rate, int hop)
      : options(frame_options),
        hop_length(hop),
        window_length(checked_length(frame_options, sample_rate, hop)),
        n_fft(static_cast<int>(std::bit_ceil(static_cast<unsigned>(window_length)))),
        fft(window_of(frame_options.window, window_length), n_fft),
        mel(MelBank::kaldi(bands, frame_options.low_freq,
                           checked_high_freq(frame_options, sample_rate), sample_rate, n_fft)) {}

  static Index checked_length(const KaldiFrameOptions& options, double sample_rate, int hop) {
    check_ranges(options);
    const Index length = kaldi_window_length(options, sample_rate);
    constexpr Index shortest_window = 33;  // 64 points are the least that are transformed
    constexpr Index longest_window = 16384;
    if (!(sample_rate > 0) || hop < 1 || length < shortest_window || length > longest_window) {
      throw ConfigError("kaldi: frame_length " + shortest(options.frame_length) + " ms at " +
                        shortest(sample_rate) + " Hz are " + std::to_string(length) +
                        " samples, but a frame has " + std::to_string(shortest_window) + " to " +
                        std::to_string(longest_window));
    }
    return length;
  }

  /// Hz.
  static double checked_high_freq(const KaldiFrameOptions& options, double sample_rate) {
    const double nyquist = sample_rate / 2;
    const bool is_absolute = options.high_freq > 0;
    const double high = is_absolute ? options.high_freq : nyquist + options.high_freq;
    if (!(options.low_freq < high && high <= nyquist)) {
      throw ConfigError("kaldi: low_freq is " + shortest(options.low_freq) + " Hz and high_freq " +
                        shortest(options.high_freq) +
                        (is_absolute ? " Hz" : ", which is " + shortest(high) + " Hz") +
                        ", but they must satisfy low_freq < high_freq <= " + shortest(nyquist) +
                        " Hz, half the sample rate");
    }
    return high;
  }

  KaldiFrameOptions options;
  Index hop_length;
  Index window_length;
  int n_fft;
  cpu::FftPlan fft;
  MelBank mel;
  std::optional<DctBasis> dct;
  bool use_energy = false;
  float energy_floor = 0;
};

KaldiPlan::KaldiPlan(const KaldiFbankOptions& options, double sample_rate, int hop_length) {
  check_ranges(options);
  table_ = std::make_shared<const Table>(options, options.num_mel_bins, sample_rate, hop_length);
}

KaldiPlan::KaldiPlan(const KaldiMfccOptions& options, double sample_rate, int hop_length) {
  check_ranges(options);
  auto table = std::make_shared<Table>(options, options.num_mel_bins, sample_rate, hop_length);
  if (options.num_ceps > options.num_mel_bins) {
    throw ConfigError("num_ceps is " + std::to_string(options.num_ceps) + " but there are only " +
                      std::to_string(options.num_mel_bins) + " mel bands (num_mel_bins)");
  }
  table->dct.emplace(options.num_mel_bins, DctOptions{.coefficients = options.num_ceps,
                                                      .lifter = options.cepstral_lifter,
                                                      .lifter_from = 0});
  table->use_energy = options.use_energy;
  table->energy_floor = static_cast<float>(options.energy_floor);
  table_ = std::move(table);
}

Index KaldiPlan::dims() const {
  return table_->dct ? table_->dct->coefficients() : table_->mel.n_mels();
}
Index KaldiPlan::window_length() const { return table_->window_length; }
Ragged KaldiPlan::frames_of(const Ragged& samples) const {
  return kaldi_frames_of(samples, table_->window_length, static_cast<int>(table_->hop_length),
                         table_->options.snip_edges);
}

namespace {

using simd::lanes;

/// `count` neighbouring frames of a clip from sample `start` on -> tile [window_length, lanes].
void load_window_tile(const KaldiPlan::Table& plan, const float* x, Index length, Index start,
                      Index count, float* tile) {
  const Index needed = (count - 1) * plan.hop_length + plan.window_length;
  const float* from = x + start;
  if (start < 0 || start + needed > length) {
    float* copy = cpu::scratch(3, needed);
    for (Index i = 0; i < needed; ++i) copy[i] = x[mirrored(start + i, length)];
    from = copy;
  }
  cpu::load_tile(from, plan.hop_length, count, plan.window_length, tile);
}

}  // namespace

void kaldi_features(Context& context, const KaldiPlan& plan, Tensor<const float> signal,
                    const Ragged& samples, Tensor<float> out) {
  const Ragged frames = plan.frames_of(samples);
  expect_signal("kaldi_features", signal, samples);
  expect_shape("kaldi_features", "out", out.shape(), Shape{frames.total(), plan.dims()});
  expect_on_device("kaldi_features", context, signal, out);
  if (context.device() != Device::cpu) {
    throw DeviceError("kaldi_features: there is no version for a GPU; use a context on the CPU");
  }

  const KaldiPlan::Table& table = plan.table();
  const Index bins = 1 + table.n_fft / 2;
  const Index bands = table.mel.n_mels();
  const Index dims = plan.dims();
  const Index before =
      table.options.snip_edges ? 0 : table.window_length / 2 - table.hop_length / 2;
  cpu::for_each_frame_tile(context, frames, [&](Index clip, Index first, Index count) {
    float* window = cpu::scratch(0, table.n_fft * lanes);
    float* power = cpu::scratch(1, bins * lanes);
    float* mel = cpu::scratch(2, (bands + dims + 1) * lanes);
    float* energy = mel + bands * lanes;
    float* row = energy + lanes;
    load_window_tile(table, signal.data() + samples.begin(clip), samples.length(clip),
                     first * table.hop_length - before, count, window);
    std::fill(window + table.window_length * lanes, window + table.n_fft * lanes, 0.0F);
    ON_VECTOR_PATH(prepare_windows)
    (window, table.window_length, table.options.remove_dc_offset,
     static_cast<float>(table.options.scale), static_cast<float>(table.options.preemphasis),
     energy);
    cpu::fft_power_tile(table.fft, window, cpu::scratch_double(table.fft.work_size()), power);
    cpu::mel_power_tile(table.mel, power, mel);
    ON_VECTOR_PATH(logarithms)(mel, bands);
    const float* result = mel;
    if (table.dct) {
      cpu::dct_tile(*table.dct, mel, row);
      if (table.use_energy) {
        ON_VECTOR_PATH(log_energies)(energy, table.energy_floor, row);
      }
      result = row;
    }
    cpu::store_tile(result, dims, count, out.data() + (frames.begin(clip) + first) * dims, dims);
  });
}

}  // namespace serenade
