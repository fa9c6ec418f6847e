#include "pipeline/features/parts.h"

#include <utility>

#include "kernels/device/copy.h"
#include "kernels/dsp/separate.h"

namespace serenade {

SignalParts::SignalParts(Context& context, const StftPlan& plan, const HpssOptions& options,
                         Tensor<const float> signal, const Ragged& samples,
                         const std::set<Part>& parts)
    : whole_(signal) {
  if (parts.contains(Part::harmonic)) harmonic_ = context.lend(signal.shape());
  if (parts.contains(Part::percussive)) percussive_ = context.lend(signal.shape());
  if (!harmonic_ && !percussive_) return;
  SeparatedSignals wanted;
  if (context.device() == Device::cpu) {
    if (harmonic_) wanted.harmonic = harmonic_->view();
    if (percussive_) wanted.percussive = percussive_->view();
    separate(context, plan, signal, samples, options, wanted);
    return;
  }
  Context cpu(context.threads());
  Array<float> here(signal.shape());
  copy(context, signal, here.view());
  Array<float> harmonic(harmonic_ ? signal.shape() : Shape{0});
  Array<float> percussive(percussive_ ? signal.shape() : Shape{0});
  if (harmonic_) wanted.harmonic = harmonic.view();
  if (percussive_) wanted.percussive = percussive.view();
  separate(cpu, plan, std::as_const(here).view(), samples, options, wanted);
  if (harmonic_) copy(context, std::as_const(harmonic).view(), harmonic_->view());
  if (percussive_) copy(context, std::as_const(percussive).view(), percussive_->view());
}

Tensor<const float> SignalParts::operator[](Part part) const {
  if (part == Part::harmonic) return harmonic_->view();
  if (part == Part::percussive) return percussive_->view();
  return whole_;
}

}  // namespace serenade
