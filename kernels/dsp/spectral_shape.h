#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int spectral_shape_revision = 1;

/// Spread of a frame's spectrum around its centroid, librosa.feature.spectral_bandwidth.
struct SpectralBandwidthOptions {
  double p = 2;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("p", self.p, Range{1, 8}, "power of the distance; 2: a standard deviation");
  }
};

/// Frequency below which most of a frame's magnitude lies, librosa.feature.spectral_rolloff.
struct SpectralRolloffOptions {
  double roll_percent = 0.85;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("roll_percent", self.roll_percent, Range{0.0001, 0.9999},
          "share of the magnitude that lies at or below, between 0 and 1");
  }
};

/// How much a frame's spectrum is like noise, librosa.feature.spectral_flatness.
struct SpectralFlatnessOptions {
  double amin = 1e-10;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("amin", self.amin, Range{1e-30, 1e30}, "smallest power told apart");
  }
};

/// What is wanted of a batch's spectra S(k) at f(k) = k sample_rate / n_fft, each [frames, 1]. A
/// view of no data is not wanted.
struct SpectralShape {
  Tensor<float> centroid{};   ///< Hz: sum f S / sum S; 0 where there is nothing
  Tensor<float> bandwidth{};  ///< Hz: (sum S |f - centroid|^p / sum S)^(1/p)
  Tensor<float> rolloff{};    ///< Hz: the lowest f(k) where sum S(0..k) >= roll_percent sum S
  Tensor<float> flatness{};   ///< geometric over arithmetic mean of max(amin, S^2)
  Tensor<float> flux{};       ///< mean of max(0, S - S of the frame before); 0 in a clip's first
  SpectralBandwidthOptions bandwidth_options{};
  SpectralRolloffOptions rolloff_options{};
  SpectralFlatnessOptions flatness_options{};
};

/// Centroid, bandwidth, roll-off, flatness and flux, as librosa.feature.spectral_centroid and its
/// like; flux is librosa.onset.onset_strength(S=magnitude, center=False). Each has the bits that it
/// has alone.
/// magnitude [frames, 1 + n_fft/2]  |STFT|, clips end to end
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted);

namespace cpu {
void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted);
}  // namespace cpu
namespace cuda {
void spectral_shape(Context& context, Tensor<const float> magnitude, const Ragged& frames,
                    double sample_rate, const SpectralShape& wanted);
}  // namespace cuda

}  // namespace serenade
