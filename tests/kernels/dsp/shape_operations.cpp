#include <cmath>

#include "kernels/dsp/spectral_shape.h"
#include "kernels/dsp/stft.h"
#include "tests/kernels/dsp/operations.h"
#include "tests/reference/shape.h"

namespace serenade::test {
namespace {

constexpr double sample_rate = 22050;

using View = Tensor<float> SpectralShape::*;

/// One of the shapes of the batch's spectra.
Rows run_shape(Context& context, const Signals& signals, View view, SpectralShape options) {
  const StftPlan plan;
  const Ragged frames = frames_of(signals.clips, plan.options().hop_length);
  Rows spectra = make_rows(context, frames, plan.bins());
  stft_power(context, plan, signals.view(context), signals.clips, spectra.values.view());
  magnitude(context, spectra.values.view(), spectra.values.view());
  Rows rows = make_rows(context, frames, 1);
  options.*view = rows.values.view();
  spectral_shape(context, spectra.values.view(), frames, sample_rate, options);
  return rows;
}

reference::Matrix magnitudes_of(const reference::Signal& x) {
  auto rows = reference::stft_power(x, 2048, 512);
  for (auto& row : rows) {
    for (double& value : row) value = std::sqrt(value);
  }
  return rows;
}

Operation shape(std::string name, View view, SpectralShape options,
                reference::Matrix (*definition)(const reference::Matrix&), Tolerance tolerance) {
  return {std::move(name),
          [=](Context& context, const Signals& signals) {
            return run_shape(context, signals, view, options);
          },
          [=](const reference::Signal& x) { return definition(magnitudes_of(x)); }, tolerance};
}

}  // namespace

std::vector<Operation> shape_operations() {
  using reference::Matrix;
  return {
      // Magnitudes are good to 1.2e-7; the CPU adds them up in float64, a GPU in float32, 33 and
      // then 32 numbers.
      shape("spectral_centroid", &SpectralShape::centroid, {},
            [](const Matrix& s) { return reference::spectral_centroid(s, sample_rate); },
            {.relative = 1e-6}),
      shape("spectral_bandwidth", &SpectralShape::bandwidth, {},
            [](const Matrix& s) { return reference::spectral_bandwidth(s, sample_rate, 2); },
            {.relative = 1e-6}),
      // A logarithm and an exponential of numbers up to 3 ln 1024.
      shape("spectral_bandwidth_3", &SpectralShape::bandwidth, {.bandwidth_options = {.p = 3}},
            [](const Matrix& s) { return reference::spectral_bandwidth(s, sample_rate, 3); },
            {.relative = 2e-6}),
      // A bin's frequency, rounded once.
      shape("spectral_rolloff", &SpectralShape::rolloff, {},
            [](const Matrix& s) { return reference::spectral_rolloff(s, sample_rate, 0.85); },
            {.relative = 1e-7}),
      shape("spectral_rolloff_low", &SpectralShape::rolloff,
            {.rolloff_options = {.roll_percent = 0.01}},
            [](const Matrix& s) { return reference::spectral_rolloff(s, sample_rate, 0.01); },
            {.relative = 1e-7}),
      // The mean of the logarithms, up to 23, rounded to float32 before the exponential.
      shape("spectral_flatness", &SpectralShape::flatness, {},
            [](const Matrix& s) { return reference::spectral_flatness(s, 1e-10); },
            {.relative = 5e-6}),
      // Differences of magnitudes that are as large as the largest.
      shape("spectral_flux", &SpectralShape::flux, {},
            [](const Matrix& s) { return reference::spectral_flux(s); },
            {.relative = 1e-6, .peak = 1e-7}),
  };
}

}  // namespace serenade::test
