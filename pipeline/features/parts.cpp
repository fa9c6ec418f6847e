#include "pipeline/features/parts.h"

#include "kernels/dsp/separate.h"

namespace serenade {

SignalParts::SignalParts(Context& context, const StftPlan& plan, const HpssOptions& options,
                         Tensor<const float> signal, const Ragged& samples,
                         const std::set<SoundPart>& parts, const Spectra& of_whole)
    : whole_(signal) {
  if (parts.contains(SoundPart::harmonic)) harmonic_ = context.lend(signal.shape());
  if (parts.contains(SoundPart::percussive)) percussive_ = context.lend(signal.shape());
  if (!harmonic_ && !percussive_) return;
  SeparatedSignals wanted;
  if (harmonic_) wanted.harmonic = harmonic_->view();
  if (percussive_) wanted.percussive = percussive_->view();
  separate(context, plan, signal, samples, options, wanted, of_whole);
}

Tensor<const float> SignalParts::operator[](SoundPart part) const {
  if (part == SoundPart::harmonic) return harmonic_->view();
  if (part == SoundPart::percussive) return percussive_->view();
  return whole_;
}

}  // namespace serenade
