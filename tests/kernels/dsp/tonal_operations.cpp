#include <cmath>
#include <utility>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/chroma_cqt.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/cqt.h"
#include "kernels/dsp/hpss.h"
#include "kernels/dsp/istft.h"
#include "kernels/dsp/separate.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/reference/constant_q.h"
#include "tests/reference/separation.h"
#include "tests/reference/tonal.h"

namespace serenade::test {
namespace {

constexpr double sample_rate = 22050;
constexpr int n_fft = 2048;

Rows run_power(Context& context, const Signals& signals) {
  const StftPlan plan;
  const Ragged frames = frames_of(signals.clips, plan.options().hop_length);
  Rows rows = make_rows(context, frames, plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, rows.values.view());
  return rows;
}

Rows run_chroma(Context& context, const Signals& signals, const ChromaOptions& options) {
  const Rows power = run_power(context, signals);
  const ChromaBank bank(options, sample_rate, n_fft);
  Rows rows = make_rows(context, power.of_clip, bank.n_chroma());
  chroma_stft(context, power.values.view(), power.of_clip, bank, rows.values.view());
  return rows;
}

Rows run_contrast(Context& context, const Signals& signals) {
  Rows spectra = run_power(context, signals);
  magnitude(context, spectra.values.view(), spectra.values.view());
  const ContrastBands bands({}, sample_rate, n_fft);
  Rows rows = make_rows(context, spectra.of_clip, bands.rows());
  spectral_contrast(context, spectra.values.view(), spectra.of_clip, bands, rows.values.view());
  return rows;
}

Rows run_tonnetz(Context& context, const Signals& signals) {
  const Rows chroma = run_chroma(context, signals, {.tuning = 0.0});
  Rows rows = make_rows(context, chroma.of_clip, 6);
  tonnetz(context, chroma.values.view(), rows.values.view());
  return rows;
}

reference::Matrix chroma_of(const reference::Signal& x, int n_chroma, double tuning) {
  return reference::chroma(reference::stft_power(x, n_fft, 512), sample_rate, n_chroma, tuning);
}

using Mask = Tensor<float> HpssMasks::*;

/// Of spectra of 256 points: the definition sorts every window anew.
constexpr StftOptions short_frames{.n_fft = 256, .hop_length = 512};

Rows run_hpss(Context& context, const Signals& signals, const HpssOptions& options, Mask mask) {
  const StftPlan plan(short_frames);
  const Ragged frames = frames_of(signals.clips, short_frames.hop_length);
  Rows spectra = make_rows(context, frames, plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, spectra.values.view());
  magnitude(context, spectra.values.view(), spectra.values.view());
  Rows rows = make_rows(context, frames, plan.bins());
  HpssMasks wanted;
  wanted.*mask = rows.values.view();
  hpss(context, spectra.values.view(), frames, options, wanted);
  return rows;
}

reference::Matrix hpss_mask(const reference::Signal& x, const StftOptions& frames,
                            const HpssOptions& options, Mask mask) {
  auto magnitudes = reference::stft_power(x, frames.n_fft, frames.hop_length);
  for (auto& row : magnitudes) {
    for (double& value : row) value = std::sqrt(value);
  }
  const auto lasting = reference::median_filter(magnitudes, 31, true);
  const auto short_ones = reference::median_filter(magnitudes, 31, false);
  const bool split = options.harmonic_margin == 1 && options.percussive_margin == 1;
  const double of_zeros = split ? 0.5 : 0;
  if (mask == &HpssMasks::harmonic) {
    return reference::soft_mask(lasting, short_ones, options.harmonic_margin, options.power,
                                of_zeros);
  }
  return reference::soft_mask(short_ones, lasting, options.percussive_margin, options.power,
                              of_zeros);
}

Operation hpss_operation(std::string name, const HpssOptions& options, Mask mask) {
  return {std::move(name),
          [=](Context& context, const Signals& signals) {
            return run_hpss(context, signals, options, mask);
          },
          [=](const reference::Signal& x) { return hpss_mask(x, short_frames, options, mask); },
          // Magnitudes are good to 1.2e-7 of themselves, which two medians' quotient doubles and
          // its power multiplies; at most a quarter of that is left in a share.
          Tolerance{.absolute = 5e-7}};
}

/// Frames that overlap, so that they can be transformed back.
constexpr StftOptions overlapping{.n_fft = 256, .hop_length = 96};

Rows run_istft(Context& context, const Signals& signals) {
  const StftPlan plan(overlapping);
  const Ragged frames = frames_of(signals.clips, overlapping.hop_length);
  Rows spectra = make_rows(context, frames, 2 * plan.bins());
  const auto spectrum = spectra.values.view().reshape({frames.total(), plan.bins(), 2});
  stft(context, plan, signals.view(context), signals.clips, spectrum);
  Rows rows = make_rows(context, signals.clips, 1);
  istft(context, plan, spectrum, frames, signals.clips,
        rows.values.view().reshape({signals.clips.total()}));
  return rows;
}

using SignalPart = Tensor<float> SeparatedSignals::*;

Operation separate_operation(std::string name, const HpssOptions& options, SignalPart part) {
  const Mask mask =
      part == &SeparatedSignals::harmonic ? &HpssMasks::harmonic : &HpssMasks::percussive;
  return {std::move(name),
          [=](Context& context, const Signals& signals) {
            Rows rows = make_rows(context, signals.clips, 1);
            SeparatedSignals wanted;
            wanted.*part = rows.values.view().reshape({signals.clips.total()});
            separate(context, StftPlan(overlapping), signals.view(context), signals.clips, options,
                     wanted);
            return rows;
          },
          [=](const reference::Signal& x) {
            auto spectra = reference::stft(x, overlapping.n_fft, overlapping.hop_length);
            const auto shares = hpss_mask(x, overlapping, options, mask);
            for (std::size_t t = 0; t < spectra.size(); ++t) {
              for (std::size_t bin = 0; bin < spectra[t].size(); ++bin) {
                spectra[t][bin] *= shares[t][bin];
              }
            }
            reference::Matrix rows;
            for (const double value :
                 reference::istft(spectra, overlapping.n_fft, overlapping.hop_length,
                                  static_cast<std::ptrdiff_t>(x.size()))) {
              rows.push_back({value});
            }
            return rows;
          },
          // Of bins that are as large as the largest, shares that are good to 5e-7.
          Tolerance{.peak = 2e-6}};
}

CqtOptions low_notes() { return {.n_bins = 50, .tuning = 0.1}; }
ChromaCqtOptions octaves() { return {.n_octaves = 3, .tuning = -0.2}; }

Rows run_cqt(Context& context, const Signals& signals, const CqtOptions& options, int hop_length) {
  const CqtPlan plan(options, sample_rate, hop_length);
  Rows rows = make_rows(context, frames_of(signals.clips, hop_length), plan.bins());
  cqt(context, plan, signals.view(context), signals.clips, rows.values.view());
  return rows;
}

Rows run_folded(Context& context, const Signals& signals) {
  const Rows bins = run_cqt(context, signals, transform_of(octaves()), 512);
  Rows rows = make_rows(context, bins.of_clip, 12);
  fold_octaves(context, bins.values.view(), octaves(), rows.values.view());
  return rows;
}

reference::Matrix folded_of(const reference::Signal& x) {
  reference::ConstantQ options;
  options.n_bins = 108;
  options.bins_per_octave = 36;
  options.tuning = -0.2;
  return reference::fold_octaves(reference::cqt(x, sample_rate, options), 36, 12);
}

Operation on_cpu(Operation operation) {
  operation.on_gpu = false;
  return operation;
}

/// Signals are decimated in float32, which leaves 2e-7 of the loudest sample or so, and libsoxr's
/// filter is known as well as that.
constexpr Tolerance of_decimated{.peak = 2e-6};

std::vector<Operation> constant_q_operations() {
  using reference::Signal;
  return {
      {"cqt",
       [](Context& context, const Signals& signals) {
         return run_cqt(context, signals, low_notes(), 512);
       },
       [](const Signal& x) {
         reference::ConstantQ options;
         options.n_bins = 50;
         options.tuning = 0.1;
         return reference::cqt(x, sample_rate, options);
       },
       of_decimated},
      // A hop that can be halved twice only.
      {"cqt_of_odd_hops",
       [](Context& context, const Signals& signals) {
         return run_cqt(context, signals, {.fmin = 220, .n_bins = 40}, 300);
       },
       [](const Signal& x) {
         reference::ConstantQ options;
         options.fmin = 220;
         options.n_bins = 40;
         options.hop_length = 300;
         return reference::cqt(x, sample_rate, options);
       },
       of_decimated},
      // Of frames far fainter than the clip's loudest decimation leaves more.
      {"chroma_cqt",
       [](Context& context, const Signals& signals) {
         Rows rows = run_folded(context, signals);
         const Tensor<const float> sums = rows.values.view();
         divide_by_largest(context, sums, rows.values.view());
         return rows;
       },
       [](const Signal& x) { return reference::divide_by_largest(folded_of(x)); },
       Tolerance{.absolute = 1e-4}},
      on_cpu({"chroma_cens",
              [](Context& context, const Signals& signals) {
                const Rows sums = run_folded(context, signals);
                Rows rows = make_rows(context, sums.of_clip, 12);
                chroma_cens(context, sums.values.view(), sums.of_clip, 9, rows.values.view());
                return rows;
              },
              [](const Signal& x) { return reference::chroma_cens(folded_of(x), 9); },
              Tolerance{.peak = 1e-6}}),
  };
}

}  // namespace

// Estimated tuning is no row: for a spectrum as flat as an impulse's any rounding decides it.
// tonal_test.cpp judges it on spectra that have a pitch.
std::vector<Operation> tonal_operations() {
  std::vector<Operation> all{
      // Sums of positive numbers, good to a few units in the last place of the largest class, 1.
      {"chroma_stft",
       [](Context& context, const Signals& signals) {
         return run_chroma(context, signals, {.tuning = 0.0});
       },
       [](const reference::Signal& x) { return chroma_of(x, 12, 0); }, Tolerance{.peak = 2e-6}},
      {"chroma_stft_24",
       [](Context& context, const Signals& signals) {
         return run_chroma(context, signals, {.n_chroma = 24, .tuning = -0.3});
       },
       [](const reference::Signal& x) { return chroma_of(x, 24, -0.3); }, Tolerance{.peak = 2e-6}},
      // 1e-3 dB, as against librosa.
      {"spectral_contrast", run_contrast,
       [](const reference::Signal& x) {
         auto rows = reference::stft_power(x, n_fft, 512);
         for (auto& row : rows) {
           for (double& value : row) value = std::sqrt(value);
         }
         return reference::spectral_contrast(rows, sample_rate, 6, 200, 0.02);
       },
       Tolerance{.absolute = 1e-3}},
      // The chroma's.
      {"tonnetz", run_tonnetz,
       [](const reference::Signal& x) { return reference::tonnetz(chroma_of(x, 12, 0)); },
       Tolerance{.absolute = 2e-6}},
      hpss_operation("hpss_harmonic", {}, &HpssMasks::harmonic),
      hpss_operation("hpss_percussive", {}, &HpssMasks::percussive),
      hpss_operation("hpss_strictly_harmonic",
                     {.harmonic_margin = 2, .percussive_margin = 3, .power = 1.5},
                     &HpssMasks::harmonic),
      hpss_operation("hpss_strictly_percussive",
                     {.harmonic_margin = 2, .percussive_margin = 3, .power = 1.0},
                     &HpssMasks::percussive),
  };
  // Spectra and frames are rounded to float32; sums over them are not.
  all.push_back({"istft", run_istft,
                 [](const reference::Signal& x) {
                   reference::Matrix rows;
                   for (const double value : x) rows.push_back({value});
                   return rows;
                 },
                 Tolerance{.peak = 1e-6}});
  all.push_back(separate_operation("separate_harmonic", {}, &SeparatedSignals::harmonic));
  all.push_back(separate_operation("separate_strictly_percussive", {.percussive_margin = 3},
                                   &SeparatedSignals::percussive));
  for (Operation& operation : constant_q_operations()) all.push_back(std::move(operation));
  return all;
}

}  // namespace serenade::test
