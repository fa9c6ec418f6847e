#include "pipeline/audio/levels.h"

#include <algorithm>
#include <cmath>

namespace serenade {
namespace {

/// Samples of one channel that are in clipped runs.
Index clipped_samples(const Clip& clip, std::size_t channel) {
  const auto step = static_cast<std::size_t>(clip.channels);
  Index clipped = 0;
  Index run = 0;  // samples in a row at full scale on the side of `last`
  float last = 0;
  const auto close = [&] {
    if (run >= clipped_run) clipped += run;
    run = 0;
  };
  for (std::size_t i = channel; i < clip.samples.size(); i += step) {
    const float sample = clip.samples[i];
    const bool full = std::abs(sample) >= full_scale;
    if (!full || (run > 0 && std::signbit(sample) != std::signbit(last))) close();
    if (full) ++run;
    last = sample;
  }
  close();
  return clipped;
}

}  // namespace

Levels measure_levels(const Clip& clip) {
  Levels levels;
  for (const float sample : clip.samples) levels.peak = std::max(levels.peak, std::abs(sample));
  // Most recordings never get there, and then there is nothing to count.
  if (levels.peak < full_scale) return levels;
  Index clipped = 0;
  for (int channel = 0; channel < clip.channels; ++channel) {
    clipped += clipped_samples(clip, static_cast<std::size_t>(channel));
  }
  levels.clipped_share = static_cast<double>(clipped) / static_cast<double>(clip.samples.size());
  return levels;
}

}  // namespace serenade
