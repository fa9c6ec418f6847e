#pragma once

#include <array>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int normalise_revision = 1;

/// What is made equal for all clips.
enum class Normalise {
  none,
  peak,  ///< largest absolute sample: 1
  rms    ///< root mean square of all samples: 0.1 (-20 dB)
};
constexpr auto enum_names(Normalise) {
  return std::to_array<std::string_view>({"none", "peak", "rms"});
}

/// Multiplies each clip by one number. A clip of zeros stays as it is.
/// signal, out  [samples]  clips end to end; out may be the same memory as signal
/// A clip's bits depend neither on its neighbours nor on the threads. Throws ShapeError when the
/// shapes do not fit.
void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out);

namespace cpu {
void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out);
}  // namespace cpu
namespace cuda {
void normalise(Context& context, Tensor<const float> signal, const Ragged& samples, Normalise how,
               Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
