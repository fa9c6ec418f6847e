#pragma once

#include <memory>
#include <span>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int spectral_contrast_revision = 1;

/// Peak over valley in octave bands, librosa.feature.spectral_contrast.
struct SpectralContrastOptions {
  int n_bands = 6;
  double fmin = 200;
  double quantile = 0.02;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n_bands", self.n_bands, Range{1, 16}, "octave bands above the first; n_bands + 1 rows");
    visit("fmin", self.fmin, Range{0, 1e6, true}, "upper edge of the first band, Hz");
    visit("quantile", self.quantile, Range{0, 0.5, true}, "share of a band that is peak or valley");
  }
};

/// Which bins belong to which band: [0, fmin], [fmin, 2 fmin], ..., the last up to half the sample
/// rate. Both edges belong to a band; every band but the first takes one bin below as well; every
/// band but the last then gives up its highest bin, though it counts for the quantile.
/// Throws ConfigError for options out of range, for a band that begins at or above half the sample
/// rate and for one too narrow to hold a bin.
class ContrastBands {
 public:
  struct Band {
    Index first = 0;  // bins [first, last)
    Index last = 0;
    Index share = 0;  // how many of them are the peak, and how many the valley
  };

  ContrastBands(const SpectralContrastOptions& options, double sample_rate, int n_fft);

  Index bins() const { return bins_; }
  /// n_bands + 1
  Index rows() const { return static_cast<Index>(bands_->size()); }
  std::span<const Band> bands() const { return *bands_; }
  /// What they live in, shared by all copies.
  std::shared_ptr<const void> owner() const { return bands_; }

 private:
  Index bins_;
  std::shared_ptr<const std::vector<Band>> bands_;
};

/// magnitude  [frames, 1 + n_fft/2]  |STFT|, clips end to end
/// out        [frames, n_bands + 1]  power_to_db of the mean of the largest numbers of a band, less
///                                   power_to_db of the mean of the smallest, dB; each has its own
///                                   floor 80 dB below the clip's maximum of its kind
/// Throws ShapeError when the shapes do not fit.
void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out);

namespace cpu {
void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out);
/// One tile of it: valleys and peaks [frames, n_bands + 1] of magnitude [bins, lanes], that of
/// `count` frames from `first` on. Uses scratch slot 1 (lanes.h).
void contrast_tile(const ContrastBands& bands, const float* magnitude, Index first, Index count,
                   Tensor<float> valleys, Tensor<float> peaks);
/// And what follows it: the valleys and, where the result goes, the peaks become contrast.
void finish_contrast(Context& context, Tensor<float> valleys, const Ragged& frames,
                     Tensor<float> out);
}  // namespace cpu
namespace cuda {
void spectral_contrast(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                       const ContrastBands& bands, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
