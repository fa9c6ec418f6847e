#pragma once

#include <algorithm>
#include <vector>

#include "kernels/dsp/lanes.h"
#include "kernels/dsp/stft.h"

/// How the CPU's inverse transforms go through a clip: tile after tile, what overlaps is added and
/// finished while it lies in the cache, and no frame is ever written to memory.
namespace serenade::cpu {

/// Windowed frames, added where they overlap and divided by the sums of their squared windows, as
/// istft() says. Positions count from the first frame's first sample, which lies n_fft / 2 before
/// the clip's. Sums are those of the positions from the current tile's first frame on.
class OverlapAdd {
 public:
  explicit OverlapAdd(const StftPlan& plan);

  /// Numbers of sums that a tile may reach. They begin as zeros.
  Index sums_size() const { return simd::lanes * hop_ + size_; }
  /// Tiles whose frames reach into those of a tile behind them.
  Index tiles_before() const { return tiles_of((size_ - 1) / hop_); }

  /// Adds a tile's frames, rows [count, n_fft].
  void add(const float* rows, Index count, double* sums) const;
  /// Writes the samples that no later tile reaches into, of a clip of `length` samples at y and
  /// `frames` frames; behind the last tile all that are left.
  void write(Index tile, Index frames, Index length, const double* sums, float* y) const;
  /// On to the next tile.
  void advance(double* sums) const;

 private:
  Index size_, hop_;
  std::vector<double> squares_;   // [n_fft] of the window
  std::vector<double> divisors_;  // [hop_length] where all frames are there that reach so far
};

/// body(clip, begin, end) for runs of neighbouring tiles of a clip, tiles [begin, end) of it, each
/// of which begins anew: long ones, as it costs the tiles before. At least one run for each clip.
template <class Body>
void for_each_run_of_tiles(Context& context, const Ragged& frames, Index tiles_before,
                           const Body& body) {
  const Index run = std::max<Index>(32, 8 * tiles_before);
  Ragged runs;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    runs.append(std::max<Index>(1, (tiles_of(frames.length(clip)) + run - 1) / run));
  }
  context.parallel(runs.total(), [&](Index i) {
    const auto after = std::upper_bound(runs.offsets().begin(), runs.offsets().end(), i);
    const Index clip = after - runs.offsets().begin() - 1;
    const Index begin = (i - runs.begin(clip)) * run;
    body(clip, begin, std::min(tiles_of(frames.length(clip)), begin + run));
  });
}

}  // namespace serenade::cpu
