#pragma once

#include <optional>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int hpss_revision = 1;

/// Frames, or bins, that a median is taken of.
inline constexpr Index hpss_window = 31;

/// Harmonic-percussive separation by medians (Fitzgerald 2010), librosa.decompose.hpss.
struct HpssOptions {
  double harmonic_margin = 1;
  double percussive_margin = 1;
  std::optional<double> power = 2;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("harmonic_margin", self.harmonic_margin, Range{1, 1e6},
          "how many times the median over bins the one over time must be to count as harmonic");
    visit("percussive_margin", self.percussive_margin, Range{1, 1e6},
          "the same the other way round; with margins above 1 some sound belongs to neither part");
    visit("power", self.power, Range{0, 100, true},
          "of the medians in the share of each part; null: all or nothing");
  }
};

/// What is wanted. A view of no data is not wanted.
struct HpssMasks {
  Tensor<float> harmonic;    ///< [frames, bins]
  Tensor<float> percussive;  ///< [frames, bins]
};

/// The share of each number of a spectrogram that belongs to sounds that last and to those that are
/// short: h^p / (h^p + (margin v)^p), h the median of the number's bin over 31 frames, v that of
/// its frame over 31 bins, both mirrored at the edges (scipy.ndimage.median_filter). Where both are
/// 0, the halves with margins of 1, else nothing. librosa.decompose.hpss(magnitude, mask=True).
/// magnitude  [frames, bins]  not negative, clips end to end
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted);

namespace cpu {
void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted);
}  // namespace cpu
namespace cuda {
void hpss(Context& context, Tensor<const float> magnitude, const Ragged& frames,
          const HpssOptions& options, const HpssMasks& wanted);
}  // namespace cuda

}  // namespace serenade
