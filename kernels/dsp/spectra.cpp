#include "kernels/dsp/spectra.h"

#include <string>
#include <string_view>

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/spectra_tiles.h"
#include "kernels/dsp/stft_tiles.h"

namespace serenade {
namespace {

void expect_view(Context& context, std::string_view name, const Tensor<float>& view,
                 const Shape& shape) {
  if (view.data() == nullptr) return;
  expect_shape("spectra", name, view.shape(), shape);
  expect_on_device("spectra", context, view);
}

}  // namespace

void check_spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
                   const Ragged& samples, const Spectra& wanted) {
  expect_signal("spectra", signal, samples);
  expect_on_device("spectra", context, signal);
  const Index frames = frames_of(samples, plan.options().hop_length).total();
  const auto expect_bins = [&](std::string_view what, Index bins) {
    if (bins == plan.bins()) return;
    throw ShapeError("spectra: the " + std::string(what) + " " + std::to_string(bins) +
                     " bins, the spectrum " + std::to_string(plan.bins()));
  };
  expect_view(context, "power", wanted.power, {frames, plan.bins()});
  expect_view(context, "magnitude", wanted.magnitude, {frames, plan.bins()});
  if (wanted.bank != nullptr) {
    expect_bins("mel bank has", wanted.bank->bins());
    expect_view(context, "mel", wanted.mel, {frames, wanted.bank->n_mels()});
    expect_view(context, "log_mel", wanted.log_mel, {frames, wanted.bank->n_mels()});
    check_ranges(wanted.db);
  } else if (wanted.mel.data() != nullptr || wanted.log_mel.data() != nullptr) {
    throw ShapeError("spectra: mel is wanted without a bank");
  }
  if (wanted.contrast_bands != nullptr) {
    expect_bins("bands of contrast have", wanted.contrast_bands->bins());
    expect_view(context, "contrast", wanted.contrast, {frames, wanted.contrast_bands->rows()});
  } else if (wanted.contrast.data() != nullptr) {
    throw ShapeError("spectra: contrast is wanted without bands");
  }
}

void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted) {
  check_spectra(context, plan, signal, samples, wanted);
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda) {
      if (wanted.contrast.data() == nullptr) {
        return cuda::spectra(context, plan, signal, samples, wanted);
      }
      const Ragged frames = frames_of(samples, plan.options().hop_length);
      Spectra with_magnitude = wanted;
      Lent magnitudes;
      if (wanted.magnitude.data() == nullptr) {
        magnitudes = context.lend({frames.total(), plan.bins()});
        with_magnitude.magnitude = magnitudes.view();
      }
      cuda::spectra(context, plan, signal, samples, with_magnitude);
      return cuda::spectral_contrast(context, with_magnitude.magnitude, frames,
                                     *wanted.contrast_bands, wanted.contrast);
    }
  }
  cpu::spectra(context, plan, signal, samples, wanted);
}

namespace cpu {
namespace {

/// Stores rows [count, dims] of a matrix from row `first` on.
void store_rows(const float* tile, Tensor<float> matrix, Index first, Index count) {
  const Index dims = matrix.extent(1);
  store_tile(tile, dims, count, matrix.data() + first * dims, dims);
}

}  // namespace

SpectraOfTiles::SpectraOfTiles(Context& context, const Ragged& frames, const Spectra& wanted)
    : frames_(frames), wanted_(wanted) {
  if (wanted.contrast.data() == nullptr) return;
  memory_ = context.lend(wanted.contrast.shape());
  valleys_ = memory_.view();
}

bool SpectraOfTiles::wants_any() const {
  return has_mel() || wanted_.power.data() != nullptr || wanted_.magnitude.data() != nullptr ||
         wanted_.contrast.data() != nullptr;
}

void SpectraOfTiles::take(float* tile, Index bins, Index first, Index count) const {
  if (wanted_.power.data() != nullptr) store_rows(tile, wanted_.power, first, count);
  if (has_mel()) {
    float* bands = scratch(1, wanted_.bank->n_mels() * simd::lanes);
    mel_power_tile(*wanted_.bank, tile, bands);
    store_rows(bands, mel(), first, count);
  }
  const bool has_contrast = wanted_.contrast.data() != nullptr;
  if (wanted_.magnitude.data() == nullptr && !has_contrast) return;
  magnitude_tile(bins * simd::lanes, tile);
  if (wanted_.magnitude.data() != nullptr) store_rows(tile, wanted_.magnitude, first, count);
  if (has_contrast) {
    contrast_tile(*wanted_.contrast_bands, tile, first, count, valleys_, wanted_.contrast);
  }
}

void SpectraOfTiles::finish(Context& context) const {
  if (wanted_.log_mel.data() != nullptr) {
    cpu::power_to_db(context, mel(), frames_, wanted_.db, wanted_.log_mel);
  }
  if (wanted_.contrast.data() != nullptr) {
    finish_contrast(context, valleys_, frames_, wanted_.contrast);
  }
}

void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted) {
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  const SpectraOfTiles spectra(context, frames, wanted);
  if (!spectra.wants_any()) return;
  stft_power_tiles(context, plan, signal, samples, [&](float* tile, Index first, Index count) {
    spectra.take(tile, plan.bins(), first, count);
  });
  spectra.finish(context);
}

}  // namespace cpu
}  // namespace serenade
