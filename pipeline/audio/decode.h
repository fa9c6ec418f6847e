#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "kernels/device/options.h"
#include "kernels/device/transfer.h"
#include "kernels/dsp/pcm.h"

namespace serenade {

/// Which part of a recording is read.
struct DecodeOptions {
  double offset = 0;                 ///< start, in seconds
  std::optional<double> duration{};  ///< seconds to read at most; unset reads to the end

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("offset", self.offset, Range{0, 1e9}, "where reading starts, seconds");
    visit("duration", self.duration, Range{0, 1e9, true},
          "how much is read at most, seconds; null reads to the end");
  }
};

/// Sound as a file holds it: integers of the file's width (8 bits as 16), everything that is no
/// integer as float32. The samples lie in memory of the caller's.
struct StoredSound {
  StoredClip clip;
  Index frames = 0;
  int sample_rate = 0;  ///< Hz
};

/// Sound in numbers: one a sample and channel, integers scaled by their full range (16-bit sample x
/// becomes x / 32768 exactly; 24-bit is exact too, 32-bit is rounded to float32). Float files are
/// taken as they are, also beyond [-1, 1], up to loudest_sample.
struct Clip {
  std::vector<float> samples;  ///< [frames, channels], interleaved
  int sample_rate = 0;         ///< Hz
  int channels = 0;

  Index frames() const { return channels == 0 ? 0 : static_cast<Index>(samples.size()) / channels; }
  double seconds() const {
    return sample_rate == 0 ? 0 : static_cast<double>(frames()) / sample_rate;
  }
};

/// Longest recording (frames x channels) that is decoded in one piece: an hour of 192 kHz stereo.
/// A header that promises more is refused before anything is allocated.
inline constexpr Index max_decoded_samples = Index{3600} * 192'000 * 2;

/// Sample rates that a recording may have and may be resampled to, Hz: beyond them a header is
/// wrong, and a few bytes would become gigabytes.
inline constexpr int min_sample_rate = 1'000;
inline constexpr int max_sample_rate = 1'536'000;

/// Reads WAV, FLAC, OGG, MP3 or AIFF; what a file holds is told by its contents, never by its
/// extension. As in librosa.load, the first frame is floor(offset * sample_rate) and the number of
/// frames floor(duration * sample_rate) or what is left.
///
/// Throws ConfigError for options out of range, IoError when the file cannot be opened, and
/// DataError, with a text that begins with the path, when it is no sound file, holds no samples,
/// ends before its header says so, is longer than max_decoded_samples, starts after its end
/// (offset), or holds a NaN, an infinity or a number above loudest_sample. A truncated OGG states
/// no length and is read as far as it goes.
///
/// The samples are put behind what `memory` holds, which is the same again where this throws.
StoredSound decode_stored(const std::filesystem::path& path, const DecodeOptions& options,
                          HostBytes& memory);

/// The same, as numbers.
Clip decode(const std::filesystem::path& path, const DecodeOptions& options = {});

/// Seconds of sound that decode() would read, by the file's header alone, to plan work with:
/// nothing is decoded and the header may lie. 0 for what decode() would refuse.
double stated_seconds(const std::filesystem::path& path, const DecodeOptions& options = {});

}  // namespace serenade
