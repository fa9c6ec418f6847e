#pragma once

#include <array>

#include "kernels/dsp/hpss.h"
#include "kernels/dsp/lanes.h"
#include "kernels/dsp/mirrored.h"

/// The CPU's masks for what makes spectra tile by tile.
namespace serenade::cpu {

/// Magnitudes of the frames that a tile's medians over time are taken of: from 15 before its first
/// to 15 behind its last, 64-byte aligned rows of padded_bins(bins) numbers.
using HpssRows = std::array<const float*, simd::lanes + hpss_window - 1>;
constexpr Index padded_bins(Index bins) { return tiles_of(bins) * simd::lanes; }

/// rows(frame) for each of them; frames of tile `tile` of a clip of `frames` frames. `frame` lies
/// in the tile, the one before it or the one behind it.
template <class Rows>
HpssRows hpss_rows(Index tile, Index frames, const Rows& rows) {
  const Index first = tile * simd::lanes;
  HpssRows all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Index frame = mirrored(first + static_cast<Index>(i) - hpss_window / 2, frames);
    // Only lanes without a frame reach farther.
    all[i] = rows(frame < first - simd::lanes ? first : frame);
  }
  return all;
}

/// Masks [bins, lanes] of a tile; null: not wanted. magnitude [bins, lanes] is the tile's own;
/// work: hpss_work_size(bins) numbers. All 64-byte aligned.
void hpss_tile(const HpssOptions& options, Index bins, const HpssRows& rows, const float* magnitude,
               float* work, float* harmonic, float* percussive);
constexpr Index hpss_work_size(Index bins) { return 3 * padded_bins(bins) * simd::lanes; }

}  // namespace serenade::cpu
