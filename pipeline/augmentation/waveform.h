#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "pipeline/audio/signals.h"
#include "pipeline/augmentation/options.h"
#include "pipeline/support/content_hash.h"

namespace serenade {

/// Of the numbers these give; part of the cache's key.
inline constexpr int speed_revision = 1;
inline constexpr int time_stretch_revision = 1;
inline constexpr int pitch_shift_revision = 1;
inline constexpr int reverb_revision = 1;
inline constexpr int gain_revision = 1;
inline constexpr int time_shift_revision = 1;
inline constexpr int noise_revision = 1;

/// A recipe as it is carried out. A clip's draws are Philox's, keyed by seed, number and the clip's
/// content: other clips, their order and threads do not matter.
struct CopyMaker {
  CopyRecipe recipe;
  std::size_t number = 0;  ///< of the recipe, from 0
  std::uint64_t seed = 0;  ///< of the experiment
  int sample_rate = 0;

  /// The copies of clips' signals, in their order; `contents` says who each is. On the CPU.
  /// speed f: librosa.resample(orig_sr=f * sample_rate, target_sr=sample_rate). time_stretch f:
  /// librosa.effects.time_stretch(rate=f). pitch_shift n: librosa.effects.pitch_shift(n_steps=n).
  /// reverb t: convolved with an impulse response of 1 and then t seconds of gaussian_noise that
  /// falls by 60 dB in t, scaled so that its expected energy is 1 as well; cut to the length. gain
  /// g: times 10^(g/20). time_shift t: round(t * sample_rate) samples of silence before it, or
  /// where t is negative so many samples fewer, and the length as it was. noise s: gaussian_noise
  /// of the clip's mean power by 10^(s/10). Nothing is clipped.
  Signals operator()(Context& context, Signals signals,
                     std::span<const ContentHash> contents) const;

  /// Samples that a clip of so many can at most become.
  Index most_samples(Index samples) const;

  /// What decides about the bits of copies: the recipe, the revisions of what it does, and where it
  /// draws its number and the seed.
  std::string text() const;
};

}  // namespace serenade
