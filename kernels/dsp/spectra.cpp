#include "kernels/dsp/spectra.h"

#include "kernels/device/checks.h"

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
  const Ragged frames = frames_of(samples, plan.options().hop_length);
  Lent memory;
  Tensor<float> power = wanted.power;
  if (power.data() == nullptr) {
    memory = context.lend({frames.total(), plan.bins()});
    power = memory.view();
  }
  cpu::stft_power(context, plan, signal, samples, power);
  if (wanted.magnitude.data() != nullptr) cpu::magnitude(context, power, wanted.magnitude);
  if (wanted.mel.data() != nullptr) cpu::mel_power(context, power, *wanted.bank, wanted.mel);
  if (wanted.log_mel.data() == nullptr) return;
  const Tensor<float> mel = wanted.mel.data() != nullptr ? wanted.mel : wanted.log_mel;
  if (wanted.mel.data() == nullptr) cpu::mel_power(context, power, *wanted.bank, mel);
  cpu::power_to_db(context, mel, frames, wanted.db, wanted.log_mel);
}

}  // namespace cpu
}  // namespace serenade
