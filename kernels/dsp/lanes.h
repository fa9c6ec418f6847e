#pragma once

#include <algorithm>
#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"
#include "kernels/device/vector_path.h"

/// Tiles: how CPU twins see matrices. A row-major matrix [frames, dims] is cut into tiles of
/// simd::lanes consecutive frames; a tile holds dims x lanes numbers, tile[d * lanes + i] being
/// dimension d of frame i, so that one load takes one dimension of neighbouring frames. Lanes
/// beyond the last frame hold zeros when loaded and are not stored.
namespace serenade::cpu {

/// Frames of a tile, and the tiles that cover so many frames.
constexpr Index tiles_of(Index frames) { return (frames + simd::lanes - 1) / simd::lanes; }

/// tile [dims, lanes] from `count` <= lanes rows of `dims` numbers, `stride` numbers apart. The
/// tile is 64-byte aligned.
void load_tile(const float* rows, Index stride, Index count, Index dims, float* tile);

/// The same for any number of lanes that is a multiple of 8, count <= lanes: tile [dims, lanes].
void load_lanes(const float* rows, Index stride, Index count, Index dims, Index lanes, float* tile);

/// `count` rows of `dims` numbers, `stride` apart, from tile [dims, lanes].
void store_tile(const float* tile, Index dims, Index count, float* rows, Index stride);

/// A 64-byte aligned piece of memory of the calling thread, good until the same thread asks for
/// the same slot (0..3) again: scratch for the tiles of one chunk of work.
float* scratch(int slot, Index size);
/// One such piece of float64.
double* scratch_double(Index size);

/// Runs body(clip, first, count) over tiles of up to simd::lanes neighbouring frames that lie
/// within one clip, `first` counted from its own.
template <class Body>
void for_each_frame_tile(Context& context, const Ragged& frames, const Body& body) {
  struct Tile {
    Index clip, first, count;
  };
  std::vector<Tile> tiles;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    for (Index first = 0; first < frames.length(clip); first += simd::lanes) {
      tiles.push_back({clip, first, std::min(simd::lanes, frames.length(clip) - first)});
    }
  }
  context.parallel(static_cast<Index>(tiles.size()), [&](Index i) {
    const Tile& tile = tiles[static_cast<std::size_t>(i)];
    body(tile.clip, tile.first, tile.count);
  });
}

/// Runs body(in_tile, out_tile) over all frames of in [frames, in_dims], filling out [frames,
/// out_dims]: how an operation that maps a frame to a frame becomes one that maps a matrix.
template <class Body>
void for_each_tile(Context& context, Tensor<const float> in, Tensor<float> out, const Body& body) {
  const Index frames = in.extent(0);
  const Index in_dims = in.extent(1);
  const Index out_dims = out.extent(1);
  constexpr Index tiles_a_chunk = 4;
  const Index tiles = tiles_of(frames);
  context.parallel((tiles + tiles_a_chunk - 1) / tiles_a_chunk, [&](Index chunk) {
    float* in_tile = scratch(0, in_dims * simd::lanes);
    float* out_tile = scratch(1, out_dims * simd::lanes);
    for (Index tile = chunk * tiles_a_chunk; tile < std::min(tiles, (chunk + 1) * tiles_a_chunk);
         ++tile) {
      const Index first = tile * simd::lanes;
      const Index count = std::min(simd::lanes, frames - first);
      load_tile(in.data() + first * in_dims, in_dims, count, in_dims, in_tile);
      body(static_cast<const float*>(in_tile), out_tile);
      store_tile(out_tile, out_dims, count, out.data() + first * out_dims, out_dims);
    }
  });
}

}  // namespace serenade::cpu
