#include <cmath>

#include "kernels/dsp/kaldi.h"
#include "kernels/dsp/mel.h"
#include "kernels/dsp/pcen.h"
#include "kernels/dsp/pyin.h"
#include "kernels/dsp/stft.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/reference/kaldi.h"
#include "tests/reference/pitch.h"

namespace serenade::test {
namespace {

constexpr double sample_rate = 22050;

Rows run_pcen(Context& context, const Signals& signals, const PcenOptions& options) {
  const StftPlan plan;
  const Ragged frames = frames_of(signals.clips, 512);
  Rows spectra = make_rows(context, frames, plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, spectra.values.view());
  magnitude(context, spectra.values.view(), spectra.values.view());
  const MelBank bank({.n_mels = 70}, sample_rate, 2048);
  Rows mel = make_rows(context, frames, bank.n_mels());
  mel_power(context, spectra.values.view(), bank, mel.values.view());
  Rows rows = make_rows(context, frames, bank.n_mels());
  pcen(context, mel.values.view(), frames, sample_rate, 512, options, rows.values.view());
  return rows;
}

Operation pcen_operation(std::string name, const PcenOptions& options) {
  return {
      std::move(name),
      [=](Context& context, const Signals& signals) { return run_pcen(context, signals, options); },
      [=](const reference::Signal& x) {
        auto rows = reference::stft_power(x, 2048, 512);
        for (auto& row : rows) {
          for (double& value : row) value = std::sqrt(value);
        }
        const auto mel = reference::apply(
            reference::mel_filters(sample_rate, 2048, 70, 0, sample_rate / 2), rows);
        return reference::pcen(mel, sample_rate, 512, options.gain, options.bias, options.power,
                               options.time_constant, options.eps, options.scale);
      },
      // Logarithms up to 30 in float32, so powers good to 30 x 6e-8, and mel's 1e-6.
      Tolerance{.relative = 1e-5}};
}

template <class Options>
Operation kaldi_operation(std::string name, const Options& options, int hop_length,
                          reference::Matrix (*definition)(const reference::Signal&)) {
  Operation operation{
      std::move(name),
      [=](Context& context, const Signals& signals) {
        const KaldiPlan plan(options, 16000, hop_length);
        Rows rows = make_rows(context, plan.frames_of(signals.clips), plan.dims());
        kaldi_features(context, plan, signals.view(context), signals.clips, rows.values.view());
        return rows;
      },
      definition,
      // Samples up to 1 are rounded to float32 before the window: noise of 2e-8 a sample, so of
      // 4e-14 in a bin. Against the least power that is told apart, 1.2e-7, that is 6e-4 in
      // amplitude, twice as much in power, and now and then more than twice of that.
      Tolerance{.absolute = 3e-3}};
  operation.on_gpu = false;
  return operation;
}

Operation pitch_operation(std::string name,
                          const std::function<void(Context&, const Signals&, Rows&)>& run,
                          Index dims,
                          std::function<reference::Matrix(const reference::Signal&)> definition) {
  Operation operation{std::move(name),
                      [=](Context& context, const Signals& signals) {
                        Rows rows = make_rows(context, frames_of(signals.clips, 512), dims);
                        run(context, signals, rows);
                        return rows;
                      },
                      std::move(definition),
                      // Differences are good to 1e-6, and so is the place of a minimum where it is
                      // no flat one; a threshold between two such would show.
                      Tolerance{.absolute = 1e-5, .relative = 1e-5}};
  operation.on_gpu = false;
  operation.of_impulses = false;
  return operation;
}

}  // namespace

std::vector<Operation> speech_operations() {
  using reference::Signal;
  const FrameOptions frames;
  const PitchRange range;
  return {
      pcen_operation("pcen", {}),
      pcen_operation("pcen_logarithm", {.gain = 0.8, .power = 0, .time_constant = 0.06}),
      pcen_operation("pcen_unscaled", {.bias = 10, .power = 0.25, .eps = 1e-3, .scale = 1.0}),
      pcen_operation("pcen_divided", {.gain = 1, .bias = 0, .power = 1, .eps = 1e-30}),
      pcen_operation("pcen_almost_unbiased", {.bias = 1e-30, .power = 0.3, .eps = 1e-12}),
      kaldi_operation("kaldi_fbank", KaldiFbankOptions{}, 160,
                      [](const Signal& x) { return reference::kaldi_fbank(x, {}); }),
      kaldi_operation("kaldi_fbank_mirrored",
                      KaldiFbankOptions{{.snip_edges = false,
                                         .scale = 32768,
                                         .remove_dc_offset = false,
                                         .preemphasis = 0.9,
                                         .window = KaldiWindow::hamming,
                                         .low_freq = 60,
                                         .high_freq = -400},
                                        40},
                      200,
                      [](const Signal& x) {
                        return reference::kaldi_fbank(x, {.hop_length = 200,
                                                          .snip_edges = false,
                                                          .scale = 32768,
                                                          .remove_dc_offset = false,
                                                          .preemphasis = 0.9,
                                                          .povey = false,
                                                          .low_freq = 60,
                                                          .high_freq = 7600,
                                                          .num_mel_bins = 40});
                      }),
      kaldi_operation(
          "kaldi_mfcc", KaldiMfccOptions{}, 160,
          [](const Signal& x) { return reference::kaldi_mfcc(x, {.num_mel_bins = 23}, 13, 22); }),
      pitch_operation(
          "yin",
          [=](Context& context, const Signals& signals, Rows& rows) {
            yin(context, YinPlan(range, sample_rate, frames), {}, signals.view(context),
                signals.clips, rows.values.view());
          },
          1,
          [=](const Signal& x) {
            return reference::yin(x, sample_rate, range.fmin, range.fmax, 0.1, 2048, 512);
          }),
      pitch_operation(
          "pyin",
          [=](Context& context, const Signals& signals, Rows& rows) {
            pyin(context, PyinPlan({}, sample_rate, frames), signals.view(context), signals.clips,
                 rows.values.view());
          },
          3,
          [=](const Signal& x) {
            return reference::pyin(x, sample_rate, range.fmin, range.fmax, 2048, 512);
          }),
  };
}

}  // namespace serenade::test
