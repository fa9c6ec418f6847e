#pragma once

#include <functional>

#include "kernels/dsp/stft.h"

/// The CPU's STFT for what follows it at once.
namespace serenade::cpu {

/// What is done with power [bins, lanes] of `count` frames of the batch from `first` on, by the
/// thread that computed it, while it lies in the cache. May change the tile and use scratch slots 1
/// and 3 (lanes.h).
using PowerSink = std::function<void(float* tile, Index first, Index count)>;

/// stft_power, handed on tile by tile.
void stft_power_tiles(Context& context, const StftPlan& plan, Tensor<const float> signal,
                      const Ragged& samples, const PowerSink& sink);

/// magnitude() of so many numbers of a tile, in their place.
void magnitude_tile(Index size, float* tile);

}  // namespace serenade::cpu
