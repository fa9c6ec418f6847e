#include <cmath>

#include "kernels/dsp/chroma.h"
#include "kernels/dsp/contrast.h"
#include "kernels/dsp/stft.h"
#include "kernels/dsp/tonnetz.h"
#include "tests/kernels/dsp/operations.h"
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

}  // namespace

// Estimated tuning is no row: for a spectrum as flat as an impulse's any rounding decides it.
// tonal_test.cpp judges it on spectra that have a pitch.
std::vector<Operation> tonal_operations() {
  return {
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
  };
}

}  // namespace serenade::test
