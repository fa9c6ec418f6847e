#pragma once

#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/nn/convolution.h"

/// What the harvest asks the GPU's libraries directly, where no operation of this project does
/// nothing but pass it on.
namespace serenade::gpu_check {

enum class Function { exponential, logarithm, logarithm_10, sine, cosine };

/// expf, logf, log10f, sinf, cosf as kernels get them.
std::vector<float> elementary(Context& context, Function function, const std::vector<float>& x);

/// cuFFT's D2Z of rows [batch, points]: bins [batch, points / 2 + 1], real and imaginary parts.
/// Throws DeviceError.
std::vector<double> transforms(Context& context, int points, int batch,
                               const std::vector<double>& rows);

/// cuFFT's Z2D of rows of bins [batch, points / 2 + 1], real and imaginary parts, the first and the
/// last of them real: [batch, points], points times the inverse. Throws DeviceError.
std::vector<double> inverse_transforms(Context& context, int points, int batch,
                                       const std::vector<double>& bins);

/// An engine that cuDNN names for a convolution. Of builds with cuDNN only.
struct EngineSpeed {
  std::string graph, engine;
  int place = 0;       ///< by the heuristics' reckoning; the first is what training takes
  int other_bits = 0;  ///< of 19 repetitions, those that gave other bits than the first time
  double apart = 0;    ///< from the first engine's numbers, of their largest
  double microseconds = 0;
};
/// All of them, each pass' in the heuristics' order; `bias` is the forward pass'.
std::vector<EngineSpeed> convolution_engines(Context& context, const Convolution& convolution,
                                             bool bias);

/// The GPU's properties as cuDNN writes them, JSON of 23 keys: what plans are made from where the
/// GPU is not (tests/golden/gpu). Throws DeviceError. Of builds with cuDNN only.
std::string cudnn_device_properties();

}  // namespace serenade::gpu_check
