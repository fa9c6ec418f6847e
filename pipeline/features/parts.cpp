#include "pipeline/features/parts.h"

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
  if (harmonic_) wanted.harmonic = harmonic_->view();
  if (percussive_) wanted.percussive = percussive_->view();
  separate(context, plan, signal, samples, options, wanted);
}

Tensor<const float> SignalParts::operator[](Part part) const {
  if (part == Part::harmonic) return harmonic_->view();
  if (part == Part::percussive) return percussive_->view();
  return whole_;
}

}  // namespace serenade
