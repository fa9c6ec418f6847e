#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"

namespace serenade {

/// x becomes (x - mean) / scale, dimension by dimension; computed in float64, rounded to float32.
struct StandardScaler {
  std::vector<double> mean, scale;  ///< [dims]
};

/// How a clip's features lie in a network's input.
enum class InputLayout {
  statistics,  ///< one vector a clip: features [1, dims], input [dims, 1], convolved over dims
  frames       ///< a sequence: features [frames, dims], input [frames, dims], convolved over time
};
constexpr auto enum_names(InputLayout) {
  return std::to_array<std::string_view>({"statistics", "frames"});
}

/// The way from a clip's feature matrix to one row of a network's input, part of the model: the
/// same in training, evaluation and prediction, so that a clip gives the same bits in all three.
/// Sequences are standardised, then cropped to their middle or filled up with zeros (the mean) at
/// their end until they have `frames` frames.
class NetworkInput {
 public:
  /// Throws ConfigError unless the scaler's vectors are of one length of at least 1, finite, its
  /// scales above 0, and frames is at least 1 (exactly 1 for statistics).
  NetworkInput(InputLayout layout, StandardScaler scaler, Index frames);

  InputLayout layout() const { return layout_; }
  const StandardScaler& scaler() const { return scaler_; }
  Index frames() const { return frames_; }
  Index dims() const { return static_cast<Index>(scaler_.mean.size()); }
  /// Shape of one row: [dims, 1] or [frames, dims].
  Shape shape() const;

  /// features [any number of frames >= 1 (exactly 1 for statistics), dims]; row of shape().
  /// Throws ShapeError where they do not fit.
  void write(Tensor<const float> features, Tensor<float> row) const;

 private:
  InputLayout layout_;
  StandardScaler scaler_;
  Index frames_;
};

}  // namespace serenade
