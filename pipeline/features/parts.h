#pragma once

#include <optional>
#include <set>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "kernels/dsp/spectra.h"
#include "kernels/dsp/stft.h"
#include "pipeline/features/spec.h"

namespace serenade {

/// A batch's signals, by the part of the sound that is left in them.
class SignalParts {
 public:
  /// Makes those that are in `parts`; all must outlive the object. signal is on the context's
  /// device, and so is what is made of it. of_whole: the spectra of the signal itself that
  /// separate() is to give as well.
  SignalParts(Context& context, const StftPlan& plan, const HpssOptions& options,
              Tensor<const float> signal, const Ragged& samples, const std::set<SoundPart>& parts,
              const Spectra& of_whole);

  /// One of `parts`, or the whole.
  Tensor<const float> operator[](SoundPart part) const;

 private:
  Tensor<const float> whole_;
  std::optional<Lent> harmonic_;
  std::optional<Lent> percussive_;
};

}  // namespace serenade
