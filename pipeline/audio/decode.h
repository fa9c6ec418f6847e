#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kernels/device/options.h"
#include "kernels/device/tensor.h"

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

/// Sound as a file holds it: one number a sample and channel, integers scaled by their full range
/// (16-bit sample x becomes x / 32768 exactly; 24-bit is exact too, 32-bit is rounded to float32).
/// Float files are taken as they are, also beyond [-1, 1], up to loudest_sample.
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
Clip decode(const std::filesystem::path& path, const DecodeOptions& options = {});

/// Mean of the channels, [frames].
std::vector<float> to_mono(const Clip& clip);

/// Where the time of load_mono goes, in seconds of the clock.
struct LoadTimes {
  double decode = 0;  ///< decode and to_mono
  double resample = 0;
};

/// decode, to_mono and resample: the signal that features are computed from. Adds to `times`.
std::vector<float> load_mono(const std::filesystem::path& path, int sample_rate,
                             const DecodeOptions& options = {}, LoadTimes* times = nullptr);

/// Seconds of sound that decode() would read, by the file's header alone, to plan work with:
/// nothing is decoded and the header may lie. 0 for what decode() would refuse.
double stated_seconds(const std::filesystem::path& path, const DecodeOptions& options = {});

/// Raised when load_mono gives other samples for the same file and libraries: the part that is
/// read, the mean of the channels, the ends of what is resampled.
inline constexpr int audio_revision = 1;

/// Names and versions of what decodes and resamples, for cache keys: "libsndfile-1.2.0,
/// libsoxr-0.1.3, revision 1". Another version may give other samples.
std::string audio_versions();

}  // namespace serenade
