#include "kernels/dsp/frames.h"

#include "kernels/device/checks.h"

namespace serenade {

Index frame_count(Index samples, int hop_length) {
  return samples > 0 ? 1 + samples / hop_length : 0;
}

Ragged frames_of(const Ragged& samples, int hop_length) {
  if (hop_length < 1) {
    throw ConfigError("hop_length is " + std::to_string(hop_length) + " but must be at least 1");
  }
  Ragged frames;
  for (Index clip = 0; clip < samples.clips(); ++clip) {
    frames.append(frame_count(samples.length(clip), hop_length));
  }
  return frames;
}

void check(const FrameOptions& options) {
  check_ranges(options);
  if (options.frame_length % 2 != 0) {
    throw ConfigError("frame_length is " + std::to_string(options.frame_length) +
                      " but must be even");
  }
}

void expect_signal(std::string_view operation, const Tensor<const float>& signal,
                   const Ragged& samples) {
  expect_shape(operation, "signal", signal.shape(), Shape{samples.total()});
}

}  // namespace serenade
