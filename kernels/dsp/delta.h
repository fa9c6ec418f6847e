#pragma once

#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int delta_revision = 1;

/// Local derivative of features over time: Savitzky-Golay, polynomial of degree `order` through
/// `width` frames, its `order`-th derivative per frame^order, as librosa.feature.delta.
struct DeltaOptions {
  int width = 9;
  int order = 1;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("width", self.width, Range{3, 255}, "frames in the fit, odd");
    visit("order", self.order, Range{1, 8}, "order of the derivative, less than width");
  }
};

/// features, out [frames, dims], per clip; not the same memory.
/// Within width / 2 frames of an end the fit through the first or last `width` frames is used
/// (mode="interp"). A clip of fewer than `width` frames, where librosa raises, is continued with
/// copies of its first and last frame (mode="nearest"); one frame gives zeros.
/// Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out);

/// Weights w[0..half] with derivative = sum over k of w[k] (x[t+k] - x[t-k]) for odd orders and of
/// w[k] ((x[t+k] - x[t]) + (x[t-k] - x[t])) for even ones. The polynomial's highest coefficient is
/// the projection on the monic discrete orthogonal polynomial of that degree, whose `order`-th
/// derivative is order!.
std::vector<float> delta_weights(const DeltaOptions& options);

namespace cpu {
void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void delta(Context& context, Tensor<const float> features, const Ragged& frames,
           const DeltaOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
