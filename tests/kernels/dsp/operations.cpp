#include "tests/kernels/dsp/operations.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <utility>

#include "kernels/device/copy.h"
#include "kernels/device/philox.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/normalise.h"
#include "kernels/dsp/pcm.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/spectra.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/zero_crossing.h"

namespace serenade::test {
namespace {

constexpr double sample_rate = 22050;

Rows run_power(Context& context, const Signals& signals, StftOptions options) {
  const StftPlan plan(options);
  Rows rows = make_rows(context, frames_of(signals.clips, options.hop_length), plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, rows.values.view());
  return rows;
}

Rows run_mel(Context& context, const Signals& signals) {
  const Rows power = run_power(context, signals, {});
  const MelBank bank({}, sample_rate, 2048);
  Rows rows = make_rows(context, power.of_clip, bank.n_mels());
  mel_power(context, power.values.view(), bank, rows.values.view());
  return rows;
}

Rows run_log_mel(Context& context, const Signals& signals) {
  Rows rows = run_mel(context, signals);
  power_to_db(context, rows.values.view(), rows.of_clip, {}, rows.values.view());
  return rows;
}

/// The same from one pass that gives all it can.
Rows run_spectra(Context& context, const Signals& signals) {
  const StftPlan plan;
  const MelBank bank({}, sample_rate, 2048);
  const Ragged frames = frames_of(signals.clips, 512);
  Rows power = make_rows(context, frames, plan.bins());
  Rows magnitudes = make_rows(context, frames, plan.bins());
  Rows mel = make_rows(context, frames, bank.n_mels());
  Rows log_mel = make_rows(context, frames, bank.n_mels());
  spectra(context, plan, signals.view(context), signals.clips,
          {power.values.view(),
           magnitudes.values.view(),
           &bank,
           mel.values.view(),
           log_mel.values.view(),
           {}});
  return log_mel;
}

Rows run_mfcc(Context& context, const Signals& signals) {
  const Rows log_mel = run_log_mel(context, signals);
  const DctBasis basis(128, 40);
  Rows rows = make_rows(context, log_mel.of_clip, 40);
  dct(context, log_mel.values.view(), basis, rows.values.view());
  return rows;
}

Rows run_delta(Context& context, const Signals& signals, DeltaOptions options) {
  const Rows mfcc = run_mfcc(context, signals);
  Rows rows = make_rows(context, mfcc.of_clip, 40);
  delta(context, mfcc.values.view(), mfcc.of_clip, options, rows.values.view());
  return rows;
}

reference::Matrix mel_of(const reference::Signal& x) {
  static const auto filters = reference::mel_filters(sample_rate, 2048, 128, 0, sample_rate / 2);
  return reference::apply(filters, reference::stft_power(x, 2048, 512));
}

reference::Matrix mfcc_of(const reference::Signal& x) {
  return reference::dct(reference::power_to_db(mel_of(x), 1e-10, 1, 80), 40);
}

Operation stft_operation(int n_fft, int hop_length) {
  const StftOptions options{n_fft, hop_length};
  return {
      "stft_" + std::to_string(n_fft) + "_" + std::to_string(hop_length),
      [options](Context& context, const Signals& signals) {
        const StftPlan plan(options);
        Rows rows =
            make_rows(context, frames_of(signals.clips, options.hop_length), 2 * plan.bins());
        const Index frames = rows.of_clip.total();
        stft(context, plan, signals.view(context), signals.clips,
             rows.values.view().reshape({frames, plan.bins(), 2}));
        return rows;
      },
      [options](const reference::Signal& x) {
        reference::Matrix rows;
        for (const auto& row : reference::stft(x, options.n_fft, options.hop_length)) {
          auto& to = rows.emplace_back();
          for (const auto& value : row) {
            to.push_back(value.real());
            to.push_back(value.imag());
          }
        }
        return rows;
      },
      // Transformed in float64, of which 2^-52 of the largest lands in every bin, and rounded once.
      Tolerance{.relative = 6e-8, .peak = 1e-14}};
}

Operation power_operation(int n_fft, int hop_length) {
  const StftOptions options{n_fft, hop_length};
  return {"stft_power_" + std::to_string(n_fft) + "_" + std::to_string(hop_length),
          [options](Context& context, const Signals& signals) {
            return run_power(context, signals, options);
          },
          [options](const reference::Signal& x) {
            return reference::stft_power(x, options.n_fft, options.hop_length);
          },
          // The transform's; squared before it is rounded.
          Tolerance{.relative = 6e-8, .peak = 1e-14}};
}

Operation delta_operation(int order) {
  const DeltaOptions options{.width = 9, .order = order};
  return {"delta_" + std::to_string(order),
          [options](Context& context, const Signals& signals) {
            return run_delta(context, signals, options);
          },
          [options](const reference::Signal& x) {
            return reference::delta(mfcc_of(x), options.width, options.order);
          },
          // MFCC are good to 2e-3; weights of the first derivative add up to 1/3 in absolute
          // value, those of the second to less than 0.2.
          Tolerance{.absolute = 7e-4}};
}

Operation normalise_operation(Normalise how) {
  return {"normalise_" + std::string(enum_name(how)),
          [how](Context& context, const Signals& signals) {
            Rows rows = make_rows(context, signals.clips, 1);
            normalise(context, signals.view(context), signals.clips, how,
                      rows.values.view().reshape({signals.clips.total()}));
            return rows;
          },
          [how](const reference::Signal& x) {
            double peak = 0;
            double sum = 0;
            for (const double value : x) {
              peak = std::max(peak, std::abs(value));
              sum += value * value;
            }
            const double level =
                how == Normalise::peak ? peak : 10 * std::sqrt(sum / static_cast<double>(x.size()));
            reference::Matrix rows;
            for (const double value : x) rows.push_back({level > 0 ? value / level : value});
            return rows;
          },
          // float64 inside, rounded once.
          Tolerance{.relative = 0x1p-23}};
}

/// Measured when first asked for: programs that run one test make this table, too.
const ResampleBank& bank_of(int in_rate, int out_rate) {
  static std::mutex mutex;
  static std::map<std::pair<int, int>, ResampleBank> banks;
  const std::lock_guard lock(mutex);
  const auto known = banks.find({in_rate, out_rate});
  if (known != banks.end()) return known->second;
  return banks
      .emplace(std::pair(in_rate, out_rate), ResampleBank::measure(in_rate, out_rate).value())
      .first->second;
}

Operation resample_operation(int in_rate, int out_rate) {
  return {"resample_" + std::to_string(in_rate) + "_" + std::to_string(out_rate),
          [in_rate, out_rate](Context& context, const Signals& signals) {
            const ResampleBank& bank = bank_of(in_rate, out_rate);
            Rows rows = make_rows(context, resampled(signals.clips, in_rate, out_rate), 1);
            resample(context, bank, signals.view(context), signals.clips,
                     rows.values.view().reshape({rows.of_clip.total()}));
            return rows;
          },
          [in_rate, out_rate](const reference::Signal& x) {
            const Index length = resampled_length(static_cast<Index>(x.size()), in_rate, out_rate);
            std::vector<double> out(static_cast<std::size_t>(length));
            Soxr<double>(in_rate, out_rate)(x, out);
            reference::Matrix rows;
            for (const double value : out) rows.push_back({value});
            return rows;
          },
          // Weights, products and sums each rounded to float32; the few largest matter.
          Tolerance{.peak = 5e-7}};
}

/// What a file that stores samples of this kind holds of x. Channels beyond the first are fainter.
double stored_value(SampleFormat format, double x, int channel) {
  x /= 1 + channel;
  if (format == SampleFormat::float32) return static_cast<float>(x);
  const double scale = std::ldexp(1, static_cast<int>(8 * bytes_of(format)) - 1);
  return std::clamp(std::round(x * scale), -scale, scale - 1) / scale;
}

void store(SampleFormat format, double value, std::vector<std::byte>& bytes) {
  const auto append = [&](const auto& number, std::size_t first, std::size_t count) {
    const auto* from = reinterpret_cast<const std::byte*>(&number) + first;
    bytes.insert(bytes.end(), from, from + count);
  };
  if (format == SampleFormat::float32) return append(static_cast<float>(value), 0, 4);
  const auto count = static_cast<std::size_t>(bytes_of(format));
  append(static_cast<std::int32_t>(std::llround(value * 0x1p31)), 4 - count, count);
}

Operation mono_operation(SampleFormat format, int channels) {
  return {"to_mono_" + std::string(enum_name(format)) + "_" + std::to_string(channels),
          [=](Context& context, const Signals& signals) {
            std::vector<StoredClip> clips;
            std::vector<std::byte> bytes;
            for (Index i = 0; i < signals.clips.clips(); ++i) {
              bytes.resize((bytes.size() + 3) / 4 * 4);
              clips.push_back({static_cast<Index>(bytes.size()), channels, format});
              for (const float x : signals.clip(i)) {
                for (int c = 0; c < channels; ++c) {
                  store(format, stored_value(format, x, c), bytes);
                }
              }
            }
            Array<std::byte> stored({static_cast<Index>(bytes.size())}, context.device());
            copy(context, Tensor<const std::byte>(bytes.data(), stored.shape()), stored.view());
            Rows rows = make_rows(context, signals.clips, 1);
            to_mono(context, clips, std::as_const(stored).view(), signals.clips,
                    rows.values.view().reshape({signals.clips.total()}));
            return rows;
          },
          [=](const reference::Signal& x) {
            reference::Matrix rows;
            for (const double value : x) {
              double sum = 0;
              for (int c = 0; c < channels; ++c) sum += stored_value(format, value, c);
              rows.push_back({sum / channels});
            }
            return rows;
          },
          // A rounding for the conversion, each sum and the division.
          Tolerance{.absolute = 1e-9, .relative = 3e-7}};
}

const std::vector<std::string> statistic_names = {"mean", "std", "min",    "max",
                                                  "p10",  "p90", "median", "p33.3"};

}  // namespace

Signals::Signals(const std::vector<std::vector<float>>& of) {
  for (const auto& clip : of) {
    samples.insert(samples.end(), clip.begin(), clip.end());
    clips.append(static_cast<Index>(clip.size()));
  }
}

std::vector<float> Signals::clip(Index i) const {
  return {samples.begin() + clips.begin(i), samples.begin() + clips.end(i)};
}

Tensor<const float> Signals::view() const { return {samples.data(), Shape{clips.total()}}; }

Tensor<const float> Signals::view(Context& context) const {
  if (context.device() == Device::cpu) return view();
  if (!on_gpu_) {
    Array<float> uploaded(view().shape(), context.device());
    copy(context, view(), uploaded.view());
    on_gpu_ = std::make_shared<const Array<float>>(std::move(uploaded));
  }
  return on_gpu_->view();
}

Rows make_rows(Context& context, Ragged of_clip, Index dims) {
  return {Array<float>(Shape{of_clip.total(), dims}, context.device()), std::move(of_clip)};
}

Rows on_host(Context& context, Rows rows) {
  if (rows.values.device() == Device::cpu) return rows;
  Array<float> values(rows.values.shape());
  copy(context, std::as_const(rows.values).view(), values.view());
  return {std::move(values), std::move(rows.of_clip)};
}

Tensor<const float> Rows::clip(Index i) const {
  return values.view().rows(of_clip.begin(i), of_clip.end(i));
}

std::vector<Operation> core_operations() {
  std::vector<Operation> all = {
      stft_operation(512, 160),
      stft_operation(2048, 512),
      power_operation(64, 1),
      power_operation(128, 100),
      power_operation(512, 512),
      power_operation(1024, 2000),
      power_operation(2048, 512),
      power_operation(4096, 333),
      {"magnitude",
       [](Context& context, const Signals& signals) {
         Rows rows = run_power(context, signals, {});
         magnitude(context, rows.values.view(), rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) {
         auto rows = reference::stft_power(x, 2048, 512);
         for (auto& row : rows) {
           for (double& value : row) value = std::sqrt(value);
         }
         return rows;
       },
       // Half the rounding of the power, and the root's own.
       Tolerance{.relative = 1e-7, .peak = 1e-14}},
      // Sums of up to 30 products in float32, all positive; librosa's own are good to 1e-5.
      {"mel", run_mel, mel_of, Tolerance{.relative = 1e-6, .peak = 1e-20}},
      // 1e-3 dB and 2e-3: what the definitions allow against librosa.
      {"log_mel", run_log_mel,
       [](const reference::Signal& x) { return reference::power_to_db(mel_of(x), 1e-10, 1, 80); },
       Tolerance{.absolute = 1e-3}},
      {"spectra", run_spectra,
       [](const reference::Signal& x) { return reference::power_to_db(mel_of(x), 1e-10, 1, 80); },
       Tolerance{.absolute = 1e-3}},
      {"mfcc", run_mfcc, mfcc_of, Tolerance{.absolute = 2e-3}},
      delta_operation(1),
      delta_operation(2),
      // A count over a power of two.
      {"zero_crossing_rate",
       [](Context& context, const Signals& signals) {
         Rows rows = make_rows(context, frames_of(signals.clips, 512), 1);
         zero_crossing_rate(context, signals.view(context), signals.clips, {}, rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) { return reference::zero_crossing_rate(x, 2048, 512); },
       Tolerance{}},
      // An integer over 1000, rounded to float32.
      {"zero_crossing_rate_odd_blocks",
       [](Context& context, const Signals& signals) {
         Rows rows = make_rows(context, frames_of(signals.clips, 441), 1);
         zero_crossing_rate(context, signals.view(context), signals.clips, {1000, 441},
                            rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) { return reference::zero_crossing_rate(x, 1000, 441); },
       Tolerance{.relative = 0x1p-24}},
      // float64 inside: one rounding to float32.
      {"rms",
       [](Context& context, const Signals& signals) {
         Rows rows = make_rows(context, frames_of(signals.clips, 512), 1);
         rms(context, signals.view(context), signals.clips, {}, rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) { return reference::rms(x, 2048, 512); },
       Tolerance{.relative = 0x1p-23}},
      {"rms_odd_blocks",
       [](Context& context, const Signals& signals) {
         Rows rows = make_rows(context, frames_of(signals.clips, 441), 1);
         rms(context, signals.view(context), signals.clips, {1024, 441}, rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) { return reference::rms(x, 1024, 441); },
       Tolerance{.relative = 0x1p-23}},
      {"statistics",
       [](Context& context, const Signals& signals) {
         const Rows mfcc = run_mfcc(context, signals);
         Ragged one_each;
         for (Index i = 0; i < mfcc.of_clip.clips(); ++i) one_each.append(1);
         Rows rows = make_rows(context, one_each, 40 * static_cast<Index>(statistic_names.size()));
         statistics(context, mfcc.values.view(), mfcc.of_clip, {statistic_names},
                    rows.values.view());
         return rows;
       },
       [](const reference::Signal& x) {
         return reference::statistics(mfcc_of(x), statistic_names);
       },
       // The MFCC's: none of these moves by more than its input.
       Tolerance{.absolute = 2e-3}, false},
      resample_operation(48000, 22050),
      resample_operation(16000, 22050),
      mono_operation(SampleFormat::int16, 1),
      mono_operation(SampleFormat::int16, 2),
      mono_operation(SampleFormat::int24, 3),
      mono_operation(SampleFormat::int32, 1),
      mono_operation(SampleFormat::float32, 2),
      normalise_operation(Normalise::peak),
      normalise_operation(Normalise::rms),
  };
  return all;
}

std::vector<Operation> operations() {
  std::vector<Operation> all = core_operations();
  for (auto* more : {tonal_operations, shape_operations, speech_operations}) {
    for (Operation& operation : more()) all.push_back(std::move(operation));
  }
  return all;
}

std::vector<Device> devices() {
  std::vector<Device> all{Device::cpu};
  if constexpr (has_cuda) {
    if (!cuda::devices().empty()) all.push_back(Device::cuda);
  }
  return all;
}

std::vector<Device> devices_of(const Operation& operation) {
  return operation.on_gpu ? devices() : std::vector<Device>{Device::cpu};
}

Context context_on(Device device, int threads) { return Context(device, threads); }

std::vector<float> noise(Index samples, std::uint64_t seed, double gain) {
  const Philox philox(seed);
  std::vector<float> signal;
  for (Index i = 0; i < samples; ++i) {
    const auto words = philox({static_cast<std::uint32_t>(i), 0, 0, purpose_of(Purpose::test)});
    signal.push_back(static_cast<float>(gain * (2.0 * static_cast<double>(uniform(words[0])) - 1)));
  }
  return signal;
}

std::vector<float> sweep(Index samples, std::uint64_t seed) {
  std::vector<float> signal = noise(samples, seed, 0.005);
  double phase = 0;
  for (Index i = 0; i < samples; ++i) {
    const double position = static_cast<double>(i) / static_cast<double>(samples);
    phase += 2 * std::numbers::pi * 50 * std::pow(180.0, position) / sample_rate;
    signal[static_cast<std::size_t>(i)] += static_cast<float>(0.5 * std::sin(phase));
  }
  return signal;
}

}  // namespace serenade::test
