#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "pipeline/model/standard_scaler.h"

namespace serenade {

/// How a clip's features lie in a network's input.
enum class InputLayout {
  statistics,  ///< one vector a clip: features [1, dims], input [dims, 1], convolved over dims
  frames       ///< a sequence: features [frames, dims], input [frames, dims], convolved over time
};
constexpr auto enum_names(InputLayout) {
  return std::to_array<std::string_view>({"statistics", "frames"});
}

/// What is scored of a sequence that is longer than the network's input.
enum class Windows {
  average,  ///< overlapping windows, whose probabilities are averaged
  centre    ///< its middle, as in training
};
constexpr auto enum_names(Windows) {
  return std::to_array<std::string_view>({"average", "centre"});
}

/// The way from a clip's feature matrix to rows of a network's input, part of the model: the same
/// in training, evaluation and prediction, so that a clip gives the same bits in all three.
/// Sequences are standardised, then cropped or filled up with zeros (the mean) at their end until
/// they have `frames` frames. Training sees a sequence's middle.
///
/// Where normalisation is not global, each clip comes with the scaler that is its own or its
/// speaker's, over all frames and not only those the network sees; the input's own scaler is then
/// of no use and changes nothing.
class NetworkInput {
 public:
  /// Throws ConfigError unless the scaler's vectors are of one length of at least 1, finite, its
  /// scales above 0, and frames is at least 1 (exactly 1 for statistics).
  NetworkInput(InputLayout layout, StandardScaler scaler, Index frames,
               Windows windows = Windows::average,
               Normalisation normalisation = Normalisation::global);

  InputLayout layout() const { return layout_; }
  const StandardScaler& scaler() const { return scaler_; }
  Index frames() const { return frames_; }
  Windows windows() const { return windows_; }
  Normalisation normalisation() const { return normalisation_; }
  Index dims() const { return static_cast<Index>(scaler_.mean.size()); }
  /// Shape of one row: [dims, 1] or [frames, dims].
  Shape shape() const;

  /// The first frame of every window that a clip of so many frames is scored by. One that fits is a
  /// single window from 0. Of a longer one, averaged: every half window (frames / 2, rounded down,
  /// at least 1) from 0, and one that ends with the clip where these do not.
  std::vector<Index> window_starts(Index clip_frames) const;

  /// Of the frames of a row that begins with this frame of a clip, those that are the clip's.
  Index window_frames(Index clip_frames, Index start) const {
    return std::min(clip_frames - start, frames_);
  }

  /// The middle of a clip. features [any number of frames >= 1 (exactly 1 for statistics), dims];
  /// row of shape(). own: the clip's scaler; none where normalisation is global.
  /// Throws ShapeError where they do not fit, DataError where a scaler is missing.
  void write(Tensor<const float> features, Tensor<float> row,
             const StandardScaler* own = nullptr) const;
  /// The clip from this frame on.
  void write_window(Tensor<const float> features, Index start, Tensor<float> row,
                    const StandardScaler* own = nullptr) const;

 private:
  InputLayout layout_;
  StandardScaler scaler_;
  Index frames_;
  Windows windows_;
  Normalisation normalisation_;
};

}  // namespace serenade
