#pragma once

#include <string_view>

#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Frames of a clip: frame t is centred on sample t * hop_length, so there are 1 + samples /
/// hop_length of them, and none in a clip without samples. As librosa with center=True and an even
/// frame length.
Index frame_count(Index samples, int hop_length);

/// The same for every clip of a batch: samples in, frames out. Throws ConfigError unless
/// hop_length is at least 1.
Ragged frames_of(const Ragged& samples, int hop_length);

/// How operations on the signal itself cut frames. Half of frame_length lies before the centre.
struct FrameOptions {
  int frame_length = 2048;
  int hop_length = 512;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("frame_length", self.frame_length, Range{2, 1 << 20}, "samples in a frame, even");
    visit("hop_length", self.hop_length, Range{1, 1 << 20}, "samples from frame to frame");
  }
};

/// Throws ConfigError unless frame_length is even and both are in range.
void check(const FrameOptions& options);

/// Throws ShapeError unless signal is one number a sample.
void expect_signal(std::string_view operation, const Tensor<const float>& signal,
                   const Ragged& samples);

}  // namespace serenade
