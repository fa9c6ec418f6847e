#include "kernels/dsp/spectra.h"

#include "kernels/device/checks.h"
#include "kernels/dsp/lanes.h"
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

void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted) {
  expect_signal("spectra", signal, samples);
  expect_on_device("spectra", context, signal);
  const Index frames = frames_of(samples, plan.options().hop_length).total();
  expect_view(context, "power", wanted.power, {frames, plan.bins()});
  expect_view(context, "magnitude", wanted.magnitude, {frames, plan.bins()});
  if (wanted.bank != nullptr) {
    if (wanted.bank->bins() != plan.bins()) {
      throw ShapeError("spectra: the mel bank has " + std::to_string(wanted.bank->bins()) +
                       " bins, the spectrum " + std::to_string(plan.bins()));
    }
    expect_view(context, "mel", wanted.mel, {frames, wanted.bank->n_mels()});
    expect_view(context, "log_mel", wanted.log_mel, {frames, wanted.bank->n_mels()});
    check_ranges(wanted.db);
  } else if (wanted.mel.data() != nullptr || wanted.log_mel.data() != nullptr) {
    throw ShapeError("spectra: mel is wanted without a bank");
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda)
      return cuda::spectra(context, plan, signal, samples, wanted);
  }
  cpu::spectra(context, plan, signal, samples, wanted);
}

namespace cpu {

void spectra(Context& context, const StftPlan& plan, Tensor<const float> signal,
             const Ragged& samples, const Spectra& wanted) {
  const Index bins = plan.bins();
  const bool has_mel = wanted.mel.data() != nullptr;
  const bool has_log_mel = wanted.log_mel.data() != nullptr;
  // Where only decibels are wanted, power is theirs until it becomes decibels in its place.
  const Tensor<float> mel = has_mel ? wanted.mel : wanted.log_mel;
  const auto rows = [](Tensor<float> matrix, Index first) {
    return matrix.data() + first * matrix.extent(1);
  };
  stft_power_tiles(context, plan, signal, samples, [&](float* tile, Index first, Index count) {
    if (wanted.power.data() != nullptr) {
      store_tile(tile, bins, count, rows(wanted.power, first), bins);
    }
    if (has_mel || has_log_mel) {
      const Index n_mels = wanted.bank->n_mels();
      float* bands = scratch(1, n_mels * simd::lanes);
      mel_power_tile(*wanted.bank, tile, bands);
      store_tile(bands, n_mels, count, rows(mel, first), n_mels);
    }
    if (wanted.magnitude.data() != nullptr) {
      magnitude_tile(bins * simd::lanes, tile);
      store_tile(tile, bins, count, rows(wanted.magnitude, first), bins);
    }
  });
  if (!has_log_mel) return;
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  cpu::power_to_db(context, mel, frames, wanted.db, wanted.log_mel);
}

}  // namespace cpu
}  // namespace serenade
