#pragma once

#include <vector>

#include "kernels/device/context.h"
#include "kernels/device/options.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int trim_revision = 1;

/// How silence at both ends is told from sound.
struct TrimOptions {
  double top_db = 60;
  int frame_length = 2048;
  int hop_length = 512;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("top_db", self.top_db, Range{0, 400, true},
          "frames this far below the clip's loudest frame, or farther, are silence, dB");
    visit("frame_length", self.frame_length, Range{2, 1 << 20}, "samples in a frame, even");
    visit("hop_length", self.hop_length, Range{1, 1 << 20}, "samples from frame to frame");
  }
};

/// Throws ConfigError unless frame_length is even and all options are in range.
void check(const TrimOptions& options);

/// Samples [begin, end) of a clip, counted from its first.
struct Extent {
  Index begin = 0;
  Index end = 0;
  friend bool operator==(const Extent&, const Extent&) = default;
};

/// What is left of each clip without the silence at its ends, as librosa.effects.trim of each clip
/// alone: from the first frame that is not silent to the end of the last one's hop. A frame's level
/// is its root mean square (rms, the signal continued with zeros), and no level counts as lower
/// than librosa's floor of 1e-5; so a clip that is all silence is as loud as its loudest frame
/// everywhere and is kept whole, as librosa keeps it. A clip that no frame of can be told to be
/// sound, because its levels are no finite numbers, is kept whole as well.
/// signal  [samples]  clips end to end, on the context's device, which is waited for
/// Returns an extent a clip, 0 <= begin <= end <= its samples whatever the signal holds. Throws
/// ShapeError when the shapes do not fit, ConfigError for options out of range.
std::vector<Extent> trim(Context& context, Tensor<const float> signal, const Ragged& samples,
                         const TrimOptions& options);

}  // namespace serenade
