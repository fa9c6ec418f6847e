#pragma once

#include <optional>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int power_to_db_revision = 1;

/// 10 log10(max(power, amin)) - 10 log10(max(ref, amin)), raised to at least top_db below the
/// clip's own maximum, as librosa.power_to_db of each clip alone.
struct PowerToDbOptions {
  double amin = 1e-10;
  double ref = 1.0;
  std::optional<double> top_db = 80.0;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("amin", self.amin, Range{1e-37, 1e30}, "smallest power told apart");
    visit("ref", self.ref, Range{0, 1e30}, "power of 0 dB");
    visit("top_db", self.top_db, Range{0}, "dynamic range of a clip, dB; null: all");
  }
};

/// power, out [frames, dims]; frames holds the clips' extents. out may be the same memory as
/// power. Throws ShapeError when the shapes do not fit, ConfigError for options out of range.
void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out);

namespace cpu {
void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out);
}  // namespace cpu
namespace cuda {
void power_to_db(Context& context, Tensor<const float> power, const Ragged& frames,
                 const PowerToDbOptions& options, Tensor<float> out);
}  // namespace cuda

}  // namespace serenade
