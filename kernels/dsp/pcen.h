#pragma once

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int pcen_revision = 2;

/// Per-channel energy normalisation, librosa.pcen: each band over a running mean of itself, then
/// compressed. gain and power are at most 1, as in the literature (Wang et al. 2017, Lostanlen et
/// al. 2019): above, what is louder would come out fainter or further apart, and what follows a
/// silence as a number without bound. Up to 1 every number is one of float32.
struct PcenOptions {
  double gain = 0.98;
  double bias = 2;
  double power = 0.5;
  double time_constant = 0.4;
  double eps = 1e-6;
  double scale = 2147483648.0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("gain", self.gain, Range{0, 1}, "power of the running mean that a band is divided by");
    visit("bias", self.bias, Range{0, 1e6}, "added before the compression");
    visit("power", self.power, Range{0, 1}, "of the compression; 0: a logarithm");
    visit("time_constant", self.time_constant, Range{0, 1000, true},
          "seconds that the running mean reaches back");
    visit("eps", self.eps, Range{1e-30, 1e6}, "added to the running mean");
    visit("scale", self.scale, Range{1e-12, 1e12},
          "bands are multiplied by it first; 2^31 is what the defaults of the others are made for");
  }
};

/// spectrogram  [frames, bands]  not negative, clips end to end
/// out          [frames, bands]  with x = scale spectrogram: (x / (eps + m)^gain + bias)^power -
///                               bias^power, or of power 0 log(1 + x / (eps + m)^gain), where m(t)
///                               = b x(t) + (1 - b) m(t - 1), m(-1) = 1 and b follows from
///                               time_constant, sample_rate and hop_length
/// librosa.pcen(scale * spectrogram). An x above 1e28 counts as that. Throws ShapeError when the
/// shapes do not fit, ConfigError for options out of range.
void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out);

/// The share b that a frame has in the running mean.
double pcen_smoothing(const PcenOptions& options, double sample_rate, int hop_length);

/// The largest x. As m is at least b x, so gains up to 1 leave x / (eps + m)^gain at most the
/// larger of x and 1 / b, and that stays far enough below float32's end for a quotient by the bias:
/// unless that is as small as pcen_small_bias, where differences of logarithms stand for it.
inline constexpr double pcen_largest = 1e28;
inline constexpr double pcen_small_bias = 1e-9;

namespace cpu {
void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void pcen(Context& context, Tensor<const float> spectrogram, const Ragged& frames,
          double sample_rate, int hop_length, const PcenOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
