#pragma once

#include "kernels/dsp/lanes.h"
#include "kernels/dsp/spectra.h"

/// The CPU's spectra() for what makes power tile by tile.
namespace serenade::cpu {

/// Takes the power of every tile of a batch once, by any thread, and then finishes.
class SpectraOfTiles {
 public:
  /// All must outlive it.
  SpectraOfTiles(Context& context, const Ragged& frames, const Spectra& wanted);

  bool wants_any() const;
  /// Power [bins, lanes] of `count` frames of the batch from `first` on; becomes magnitudes. Uses
  /// scratch slot 1.
  void take(float* tile, Index bins, Index first, Index count) const;
  void finish(Context& context) const;

 private:
  bool has_mel() const {
    return wanted_.mel.data() != nullptr || wanted_.log_mel.data() != nullptr;
  }
  // Where only decibels are wanted, power is theirs until it becomes decibels in its place.
  Tensor<float> mel() const {
    return wanted_.mel.data() != nullptr ? wanted_.mel : wanted_.log_mel;
  }

  const Ragged& frames_;
  const Spectra& wanted_;
  Lent memory_;
  Tensor<float> valleys_;  // of contrast
};

}  // namespace serenade::cpu
