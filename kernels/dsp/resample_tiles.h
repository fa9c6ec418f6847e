#pragma once

#include <vector>

#include "kernels/dsp/resample.h"

namespace serenade {

/// A ResampleBank as the CPU twin reads it. One SIMD lane is one period; of a period, eight outputs
/// are summed at a time over the rows that any of them needs, the weights of the others being 0.
/// Short periods are repeated until there are enough outputs in one.
struct ResampleTiles {
  static constexpr Index phases = 8;

  explicit ResampleTiles(const ResampleBank& bank);

  Index period_in = 0, period_out = 0;
  Index first = 0;   ///< sample of a period's first row, from its first sample: negative
  Index window = 0;  ///< rows of a period
  Index rows = 0;    ///< rows that a tile adds up
  std::vector<Index> first_row;  ///< of each tile
  Array<float> weights;          ///< [tiles, rows, phases]

  /// The row of output n of a period that its first weight is in, in its tile.
  Index lead(Index n) const { return leads[static_cast<std::size_t>(n)]; }
  std::vector<Index> leads;  ///< [period_out]

  Index tiles() const { return static_cast<Index>(first_row.size()); }
  const float* tile_weights(Index tile) const { return weights.data() + tile * rows * phases; }
};

}  // namespace serenade
