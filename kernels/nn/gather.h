#pragma once

#include <cstdint>

#include "kernels/device/context.h"

namespace serenade {

/// Clips' features as computed, end to end, and what else a training must know of each clip.
struct ClipTable {
  Tensor<const float> features;         ///< [frames, dims]
  Tensor<const Index> offsets;          ///< [clips + 1], each clip's first frame
  Tensor<const std::int32_t> labels;    ///< [clips]
  Tensor<const std::uint32_t> numbers;  ///< [clips], by which masks are drawn

  Index clips() const { return labels.extent(0); }
};

/// Which clips make up an epoch's batches, and what becomes of them.
struct EpochOrder {
  Tensor<const std::uint32_t> clips;  ///< in the epoch's order; all less than the table's clips
  Index batch_size = 0;               ///< batch i begins at i batch_size
  Tensor<const double> mean, scale;   ///< [dims]: x = (feature - mean) / scale, rounded once
  Tensor<const float> class_weights;  ///< [classes], or an empty view
  float on = 1, off = 0;              ///< the target of the clip's own class, and of the others
  /// [as clips] the first frame taken of each; an empty view for the middle. Of a clip that fits:
  /// 0.
  Tensor<const std::uint32_t> starts{};
  /// [the table's clips], or an empty view: the row of mean and scale, then [scalers, dims], that a
  /// clip is standardised by.
  Tensor<const std::uint32_t> scaler_of{};
};

/// A batch as a network takes it, to be filled.
struct BatchTensors {
  Tensor<float> x;                   ///< [rows, frames, dims]
  Tensor<float> targets;             ///< [rows, classes]
  Tensor<std::uint32_t> utterances;  ///< [rows]
  Tensor<float> weights;             ///< [rows]; an empty view without class weights
  Tensor<std::int32_t> lengths{};    ///< [rows], frames that are the clip's; empty: not wanted
};

/// Fills the batch that index [1] names: its clips' middle `frames` frames (or those that `starts`
/// begins with), or where they have fewer all of them and zeros behind, standardised
/// (NetworkInput::write says the same). The index
/// lies in memory so that a captured step serves every batch. Throws ShapeError where shapes do not
/// fit together.
void gather_batch(Context&, const ClipTable&, const EpochOrder&, Tensor<const std::uint32_t> index,
                  const BatchTensors&);

/// Where windows lie in such features, and what becomes of them.
struct WindowTable {
  Tensor<const Index> first;         ///< [windows], the first frame
  Tensor<const Index> given;         ///< [windows], frames from there to the clip's end
  Tensor<const double> mean, scale;  ///< [dims], as EpochOrder's
  /// [windows], or an empty view: the row of mean and scale, then [scalers, dims], of each.
  Tensor<const std::uint32_t> scaler{};
};

/// Fills x [windows, frames, dims] with windows [begin, begin + x's windows) of the table, of each
/// its clip's frames as far as there are any and zeros behind, standardised to the bits of
/// gather_batch (NetworkInput::write_window says the same). Throws ShapeError where shapes do not
/// fit together.
void gather_windows(Context&, Tensor<const float> features, const WindowTable&, Index begin,
                    Tensor<float> x);

namespace cpu {
void gather_windows(Context&, Tensor<const float> features, const WindowTable&, Index begin,
                    Tensor<float> x);
void gather_batch(Context&, const ClipTable&, const EpochOrder&, Tensor<const std::uint32_t> index,
                  const BatchTensors&);
}  // namespace cpu

namespace cuda {
void gather_windows(Context&, Tensor<const float> features, const WindowTable&, Index begin,
                    Tensor<float> x);
void gather_batch(Context&, const ClipTable&, const EpochOrder&, Tensor<const std::uint32_t> index,
                  const BatchTensors&);
}  // namespace cuda

}  // namespace serenade
