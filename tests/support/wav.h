#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "kernels/device/tensor.h"

namespace serenade::test {

/// Writes interleaved samples through libsndfile, making folders as needed. `format` is
/// libsndfile's (SF_FORMAT_FLAC | SF_FORMAT_PCM_16); 0 is 16-bit WAV. The extension is not looked
/// at.
void write_sound(const std::filesystem::path& path, const std::vector<float>& samples,
                 int sample_rate, int channels = 1, int format = 0);

/// A sine of this frequency, amplitude 0.3, with noise of amplitude 0.05 drawn from the seed: clips
/// of different seeds are different recordings, the same seed gives the same samples everywhere.
std::vector<float> noisy_sine(Index samples, double frequency, int sample_rate, std::uint64_t seed);

/// What a tree of RAVDESS-shaped clips holds.
struct RavdessTree {
  int actors = 4;
  int statements = 2;
  int repetitions = 2;
  bool song = false;      ///< sung clips as well, without disgust and surprised
  double seconds = 0.05;  ///< of every clip
  int sample_rate = 8000;
  std::string extension = ".wav";
};

/// Writes Actor_NN/03-01-EE-II-SS-RR-NN.wav below `folder` (all eight emotions, neutral without
/// strong), each clip another sound, the emotion as its frequency, and returns the paths written.
/// The defaults give 60 clips an actor.
std::vector<std::filesystem::path> write_ravdess_tree(const std::filesystem::path& folder,
                                                      const RavdessTree& tree = {});

}  // namespace serenade::test
