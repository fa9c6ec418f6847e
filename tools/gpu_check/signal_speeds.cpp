// How long the signal operations take: 64 clips of four seconds, each operation first compared with
// the CPU on the same input.
#include <array>
#include <cmath>
#include <memory>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/decibel.h"
#include "kernels/dsp/delta.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/mfcc.h"
#include "kernels/dsp/normalise.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/pcm.h"
#include "kernels/dsp/place.h"
#include "kernels/dsp/resample.h"
#include "kernels/dsp/rms.h"
#include "kernels/dsp/separate.h"
#include "kernels/dsp/spectra.h"
#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/statistics.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "kernels/dsp/tuning.h"
#include "kernels/dsp/zero_crossing.h"
#include "tools/gpu_check/check.h"

namespace serenade::gpu_check {
namespace {

constexpr double sample_rate = 22050;
constexpr Index clips = emulated ? 2 : 64;
constexpr Index samples_of_clip = emulated ? 6000 : 88200;
constexpr Index bins = 1025, mels = 128;
constexpr ChromaCqtOptions of_a440{.tuning = 0.0};

/// What operations begin with, on one device: a signal, and spectra as the CPU computes them.
struct Data {
  Ragged samples, frames;
  Array<float> signal, power, magnitude, mel, log_mel, chroma;
  Array<std::byte> stored;  // int16, two channels, a frame each for every sample

  Index rows() const { return frames.total(); }
};

Data on_cpu() {
  Data d;
  Context context(emulated ? 2 : 0);
  std::vector<float> noise = draw(clips * samples_of_clip, 60, -0.05, 0.05);
  for (std::size_t i = 0; i < noise.size(); ++i) {
    noise[i] += 0.5F * std::sin(0.02F * static_cast<float>(i % 20000));
  }
  for (Index i = 0; i < clips; ++i) d.samples.append(samples_of_clip);
  d.frames = frames_of(d.samples, 512);
  d.signal = to_device(context, noise, Shape{d.samples.total()});
  d.power.resize(Shape{d.rows(), bins});
  d.magnitude.resize(d.power.shape());
  d.mel.resize(Shape{d.rows(), mels});
  d.log_mel.resize(d.mel.shape());
  d.chroma.resize(Shape{d.rows(), 12});
  stft_power(context, StftPlan(), d.signal.view(), d.samples, d.power.view());
  magnitude(context, d.power.view(), d.magnitude.view());
  mel_power(context, d.power.view(), MelBank({}, sample_rate, 2048), d.mel.view());
  power_to_db(context, d.mel.view(), d.frames, {}, d.log_mel.view());
  chroma_stft(context, d.power.view(), d.frames, ChromaBank({.tuning = 0}, sample_rate, 2048),
              d.chroma.view());
  d.stored.resize(Shape{4 * d.samples.total()});
  for (Index i = 0; i < d.stored.size(); ++i) d.stored[i] = static_cast<std::byte>(i * 37 % 251);
  return d;
}

Data on_gpu(Context& context, const Data& from) {
  Data d;
  d.samples = from.samples;
  d.frames = from.frames;
  const auto there = [&](const Array<float>& values) {
    Array<float> array(values.shape(), Device::cuda);
    copy(context, values.view(), array.view());
    return array;
  };
  d.signal = there(from.signal);
  d.power = there(from.power);
  d.magnitude = there(from.magnitude);
  d.mel = there(from.mel);
  d.log_mel = there(from.log_mel);
  d.chroma = there(from.chroma);
  d.stored = Array<std::byte>(from.stored.shape(), Device::cuda);
  copy(context, from.stored.view(), d.stored.view());
  return d;
}

struct Operation {
  std::string name;
  /// Numbers that it reads, each once, as they lie in memory; it writes the output.
  double reads;
  Shape out;
  double tolerance;  ///< of the largest number, or of 1
  std::function<void(Context&, const Data&, Tensor<float> out)> run;
};

/// Tolerances are twice those of tests/kernels/dsp/operations.cpp, as both devices may be off.
std::vector<Operation> operations(const Data& d) {
  const Index rows = d.rows();
  const auto samples = static_cast<double>(d.samples.total());
  const auto of = [](Index a, Index b) { return static_cast<double>(a * b); };
  Ragged one_each;
  for (Index i = 0; i < clips; ++i) one_each.append(1);
  const auto bank = std::make_shared<ResampleBank>(ResampleBank::measure(48000, 22050).value());
  const StatisticsOptions statistic{{"mean", "std", "min", "max"}};
  std::vector<StoredClip> stored;
  for (Index i = 0; i < clips; ++i) {
    stored.push_back({4 * d.samples.begin(i), 2, SampleFormat::int16});
  }
  return {
      {"to_mono_int16_2", samples, Shape{d.samples.total()}, 0,
       [stored](Context& c, const Data& data, Tensor<float> out) {
         to_mono(c, stored, data.stored.view(), data.samples, out);
       }},
      {"stft", samples, Shape{rows, bins, 2}, 1e-6,
       [plan = StftPlan()](Context& c, const Data& data, Tensor<float> out) {
         stft(c, plan, data.signal.view(), data.samples, out);
       }},
      {"place_columns", of(rows, mels), Shape{rows, mels}, 0,
       [](Context& c, const Data& data, Tensor<float> out) {
         place_columns(c, data.mel.view(), 0, out);
       }},
      {"stft_power", samples, Shape{rows, bins}, 1e-6,
       [plan = StftPlan()](Context& c, const Data& data, Tensor<float> out) {
         stft_power(c, plan, data.signal.view(), data.samples, out);
       }},
      {"log_mel_in_one_pass", samples, Shape{rows, mels}, 1e-4,
       [plan = StftPlan(), filters = MelBank({}, sample_rate, 2048)](Context& c, const Data& data,
                                                                     Tensor<float> out) {
         Spectra wanted;
         wanted.bank = &filters;
         wanted.log_mel = out;
         spectra(c, plan, data.signal.view(), data.samples, wanted);
       }},
      {"magnitude", of(rows, bins), Shape{rows, bins}, 2e-7,
       [](Context& c, const Data& data, Tensor<float> out) {
         magnitude(c, data.power.view(), out);
       }},
      {"mel_power", of(rows, bins), Shape{rows, mels}, 2e-6,
       [filters = MelBank({}, sample_rate, 2048)](Context& c, const Data& data, Tensor<float> out) {
         mel_power(c, data.power.view(), filters, out);
       }},
      {"power_to_db", of(rows, mels), Shape{rows, mels}, 1e-4,
       [](Context& c, const Data& data, Tensor<float> out) {
         power_to_db(c, data.mel.view(), data.frames, {}, out);
       }},
      {"dct", of(rows, mels), Shape{rows, 40}, 1e-5,
       [basis = DctBasis(mels, 40)](Context& c, const Data& data, Tensor<float> out) {
         dct(c, data.log_mel.view(), basis, out);
       }},
      {"delta", of(rows, mels), Shape{rows, mels}, 1e-5,
       [](Context& c, const Data& data, Tensor<float> out) {
         delta(c, data.log_mel.view(), data.frames, {}, out);
       }},
      {"estimate_tuning", of(rows, bins), Shape{clips}, 1e-6,
       [](Context& c, const Data& data, Tensor<float> out) {
         estimate_tuning(c, data.power.view(), data.frames, sample_rate, 12, out);
       }},
      {"chroma_stft", of(rows, bins), Shape{rows, 12}, 4e-6,
       [filters = ChromaBank({.tuning = 0}, sample_rate, 2048)](Context& c, const Data& data,
                                                                Tensor<float> out) {
         chroma_stft(c, data.power.view(), data.frames, filters, out);
       }},
      {"cqt", samples, Shape{rows, 84}, 4e-6,
       [plan = CqtPlan({}, sample_rate, 512)](Context& c, const Data& data, Tensor<float> out) {
         cqt(c, plan, data.signal.view(), data.samples, out);
       }},
      {"chroma_cqt", samples, Shape{rows, 12}, 2e-4,
       [plan = CqtPlan(transform_of(of_a440), sample_rate, 512)](Context& c, const Data& data,
                                                                 Tensor<float> out) {
         Lent magnitudes = c.lend({data.rows(), plan.bins()});
         cqt(c, plan, data.signal.view(), data.samples, magnitudes.view());
         fold_octaves(c, std::as_const(magnitudes).view(), of_a440, out);
         divide_by_largest(c, Tensor<const float>(out), out);
       }},
      {"separate_harmonic", samples, Shape{d.samples.total()}, 4e-6,
       [plan = StftPlan()](Context& c, const Data& data, Tensor<float> out) {
         separate(c, plan, data.signal.view(), data.samples, {}, {out, {}});
       }},
      {"spectral_contrast", of(rows, bins), Shape{rows, 7}, 1e-4,
       [bands = ContrastBands({}, sample_rate, 2048)](Context& c, const Data& data,
                                                      Tensor<float> out) {
         spectral_contrast(c, data.magnitude.view(), data.frames, bands, out);
       }},
      {"spectral_shape", of(rows, bins), Shape{5 * rows, 1}, 1e-5,
       [rows](Context& c, const Data& data, Tensor<float> out) {
         const auto part = [&](Index i) { return out.rows(i * rows, (i + 1) * rows); };
         spectral_shape(c, data.magnitude.view(), data.frames, sample_rate,
                        {part(0), part(1), part(2), part(3), part(4), {}, {}, {}});
       }},
      {"pcen", of(rows, mels), Shape{rows, mels}, 2e-5,
       [](Context& c, const Data& data, Tensor<float> out) {
         pcen(c, data.mel.view(), data.frames, sample_rate, 512, {}, out);
       }},
      {"tonnetz", of(rows, 12), Shape{rows, 6}, 4e-6,
       [](Context& c, const Data& data, Tensor<float> out) {
         tonnetz(c, data.chroma.view(), out);
       }},
      {"zero_crossing_rate", samples, Shape{rows, 1}, 0,
       [](Context& c, const Data& data, Tensor<float> out) {
         zero_crossing_rate(c, data.signal.view(), data.samples, {}, out);
       }},
      {"rms", samples, Shape{rows, 1}, 2e-7,
       [](Context& c, const Data& data, Tensor<float> out) {
         rms(c, data.signal.view(), data.samples, {}, out);
       }},
      {"statistics", of(rows, mels), Shape{clips, 4 * mels}, 1e-6,
       [statistic](Context& c, const Data& data, Tensor<float> out) {
         statistics(c, data.log_mel.view(), data.frames, statistic, out);
       }},
      {"normalise_rms", samples, Shape{d.samples.total()}, 2e-7,
       [](Context& c, const Data& data, Tensor<float> out) {
         normalise(c, data.signal.view(), data.samples, Normalise::rms, out);
       }},
      {"resample_48000_22050", samples, Shape{resampled(d.samples, 48000, 22050).total()}, 1e-6,
       [bank](Context& c, const Data& data, Tensor<float> out) {
         resample(c, *bank, data.signal.view(), data.samples, out);
       }}};
}

Json speed(const std::string& name) {
  const Data here = on_cpu();
  for (const Operation& operation : operations(here)) {
    if (operation.name != name) continue;
    Context cpu(emulated ? 2 : 0), context(Device::cuda);
    Array<float> wanted(operation.out);
    operation.run(cpu, here, wanted.view());
    const Data there = on_gpu(context, here);
    Array<float> found(operation.out, Device::cuda);
    operation.run(context, there, found.view());
    expect_near(name, to_host(context, Tensor<const float>(found.view())),
                to_host(cpu, Tensor<const float>(wanted.view())), operation.tolerance);
    Json row{{"bytes", 4 * (operation.reads + static_cast<double>(operation.out.size()))}};
    time_into(row, context, [&] { operation.run(context, there, found.view()); });
    return row;
  }
  throw Failed("there is no signal operation " + name);
}

constexpr auto names = std::to_array<const char*>({"to_mono_int16_2",
                                                   "stft",
                                                   "place_columns",
                                                   "stft_power",
                                                   "log_mel_in_one_pass",
                                                   "magnitude",
                                                   "mel_power",
                                                   "power_to_db",
                                                   "dct",
                                                   "delta",
                                                   "estimate_tuning",
                                                   "chroma_stft",
                                                   "cqt",
                                                   "chroma_cqt",
                                                   "separate_harmonic",
                                                   "spectral_contrast",
                                                   "spectral_shape",
                                                   "pcen",
                                                   "tonnetz",
                                                   "zero_crossing_rate",
                                                   "rms",
                                                   "statistics",
                                                   "normalise_rms",
                                                   "resample_48000_22050"});

}  // namespace

std::vector<Check> signal_speeds() {
  std::vector<Check> all;
  all.reserve(names.size());
  for (const std::string name : names) {
    all.push_back({"dsp_" + name, 5, [name](const std::filesystem::path&) { return speed(name); }});
  }
  return all;
}

}  // namespace serenade::gpu_check
