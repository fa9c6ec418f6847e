#include "pipeline/audio/decode.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

#include "kernels/device/error.h"
#include "pipeline/audio/container.h"
#include "pipeline/audio/endless_header.h"
#include "pipeline/audio/resample.h"
#include "pipeline/audio/usable.h"
#include "pipeline/support/files.h"
#include "pipeline/support/stopwatch.h"

namespace serenade {
namespace {

struct CloseSound {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using Sound = std::unique_ptr<SNDFILE, CloseSound>;

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view what) {
  throw DataError(fmt::format("{}: {}", path.string(), what));
}

void expect_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw IoError(fmt::format("{}: {}", path.string(),
                              error ? error.message() : std::string("no such file")));
  }
  expect_regular_file(path);
  const auto bytes = std::filesystem::file_size(path, error);
  if (!error && bytes == 0) fail(path, "is empty (0 bytes)");
}

Sound open_sound(const std::filesystem::path& path, SF_INFO& info) {
  if (const auto reason = endless_header(path)) fail(path, *reason);
  // libsndfile tells why it could not open a file through a global variable.
  static std::mutex opening;
  const std::lock_guard lock(opening);
  Sound file(sf_open(path.c_str(), SFM_READ, &info));
  if (file) return file;
  if (sf_error(nullptr) == SF_ERR_SYSTEM) {
    throw IoError(fmt::format("{}: cannot be opened: {}", path.string(), sf_strerror(nullptr)));
  }
  fail(path,
       fmt::format("is no sound file that can be read (WAV, FLAC, OGG, MP3, AIFF): libsndfile says "
                   "'{}'",
                   sf_strerror(nullptr)));
}

void expect_whole(const std::filesystem::path& path) {
  const auto length = stated_length(path);
  if (!length || length->stated_bytes < length->present_bytes + length->frame_bytes) return;
  fail(path, fmt::format("truncated: the header says {} frames, {} are there; get the file again",
                         length->stated_bytes / length->frame_bytes,
                         length->present_bytes / length->frame_bytes));
}

/// Formats whose samples depend on those before them. libsndfile 1.2.0 was exact after every seek
/// that was tried, but promises it nowhere, so these are read from the beginning.
bool has_memory(int format) {
  const int container = format & SF_FORMAT_TYPEMASK;
  return container == SF_FORMAT_OGG || container == SF_FORMAT_MPEG;
}

/// Frames of a part of a recording of `frames`.
struct Part {
  Index begin;
  Index length;
};

Part part_of(const std::filesystem::path& path, const SF_INFO& info, const DecodeOptions& options) {
  const auto rate = static_cast<double>(info.samplerate);
  const double begin = std::floor(options.offset * rate);
  if (begin >= static_cast<double>(info.frames)) {
    fail(path, fmt::format("offset {} s is at or after its end ({} frames at {} Hz, {:.3f} s)",
                           shortest(options.offset), info.frames, info.samplerate,
                           static_cast<double>(info.frames) / rate));
  }
  Part part{static_cast<Index>(begin), 0};
  part.length = info.frames - part.begin;
  if (options.duration) {
    const double length = std::floor(*options.duration * rate);
    if (length < 1) {
      fail(path, fmt::format("duration {} s is less than one sample at {} Hz",
                             shortest(*options.duration), info.samplerate));
    }
    if (length < static_cast<double>(part.length)) part.length = static_cast<Index>(length);
  }
  return part;
}

void expect_sane(const std::filesystem::path& path, const SF_INFO& info) {
  if (info.samplerate < min_sample_rate || info.samplerate > max_sample_rate) {
    fail(path, fmt::format("its sample rate is {} Hz; speech has between {} and {}",
                           info.samplerate, min_sample_rate, max_sample_rate));
  }
  if (info.channels < 1) fail(path, fmt::format("has {} channels", info.channels));
  if (info.frames < 1) fail(path, "holds no samples");
}

/// Reads `frames` frames or to the end, a block at a time: memory follows what is there, not what a
/// header says.
std::vector<float> read_frames(SNDFILE* file, Index frames, int channels) {
  constexpr Index block = 1 << 16;
  const Index block_frames = std::max<Index>(1, block / channels);
  std::vector<float> samples;
  samples.reserve(static_cast<std::size_t>(std::min(frames, block_frames * 16) * channels));
  for (Index done = 0; done < frames;) {
    const Index want = std::min(block_frames, frames - done);
    const std::size_t size = samples.size();
    samples.resize(size + static_cast<std::size_t>(want * channels));
    const Index got = sf_readf_float(file, samples.data() + size, want);
    samples.resize(size + static_cast<std::size_t>(std::max<Index>(got, 0) * channels));
    if (got <= 0) break;
    done += got;
  }
  return samples;
}

void expect_usable(const std::filesystem::path& path, const Clip& clip, Index first_frame) {
  const auto at = first_unusable(clip.samples);
  if (!at) return;
  const Index frame = first_frame + *at / clip.channels;
  fail(path,
       fmt::format("frame {} ({:.3f} s), channel {} is {}; only finite samples up to {:g} can "
                   "be used (full scale is 1)",
                   frame, static_cast<double>(frame) / clip.sample_rate, *at % clip.channels + 1,
                   unusable_text(clip.samples[static_cast<std::size_t>(*at)]), loudest_sample));
}

}  // namespace

Clip decode(const std::filesystem::path& path, const DecodeOptions& options) {
  check_ranges(options);
  expect_file(path);
  SF_INFO info{};
  const Sound file = open_sound(path, info);
  expect_whole(path);
  expect_sane(path, info);
  const Part part = part_of(path, info, options);
  if (part.length > max_decoded_samples / info.channels) {
    fail(path, fmt::format("{} frames of {} channels are to be read ({:.1f} h), more than the {} "
                           "samples that fit in one piece; set a duration",
                           part.length, info.channels,
                           static_cast<double>(part.length) / info.samplerate / 3600,
                           max_decoded_samples));
  }

  if (has_memory(info.format)) {
    constexpr Index block = 1 << 16;
    for (Index left = part.begin; left > 0;) {
      const auto skipped = read_frames(file.get(), std::min(left, block), info.channels);
      if (skipped.empty()) break;
      left -= static_cast<Index>(skipped.size()) / info.channels;
    }
  } else if (part.begin > 0 && sf_seek(file.get(), part.begin, SEEK_SET) != part.begin) {
    fail(path, fmt::format("cannot go to frame {}: {}", part.begin, sf_strerror(file.get())));
  }

  Clip clip{read_frames(file.get(), part.length, info.channels), info.samplerate, info.channels};
  if (clip.frames() < part.length) {
    fail(path, fmt::format("truncated or damaged: the header says {} frames, {} can be read{}",
                           info.frames, part.begin + clip.frames(),
                           sf_error(file.get()) == SF_ERR_NO_ERROR
                               ? std::string()
                               : fmt::format(" ({})", sf_strerror(file.get()))));
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR) {
    fail(path, fmt::format("damaged: {}", sf_strerror(file.get())));
  }
  expect_usable(path, clip, part.begin);
  return clip;
}

std::vector<float> to_mono(const Clip& clip) {
  if (clip.channels == 1) return clip.samples;
  std::vector<float> mono(static_cast<std::size_t>(clip.frames()));
  const auto channels = static_cast<std::size_t>(clip.channels);
  for (std::size_t i = 0; i < mono.size(); ++i) {
    // In the order and precision of numpy's mean over the channels, which is librosa's.
    float sum = 0;
    for (std::size_t c = 0; c < channels; ++c) sum += clip.samples[i * channels + c];
    mono[i] = sum / static_cast<float>(channels);
  }
  return mono;
}

std::vector<float> load_mono(const std::filesystem::path& path, int sample_rate,
                             const DecodeOptions& options, LoadTimes* times) {
  if (sample_rate < min_sample_rate || sample_rate > max_sample_rate) {
    throw ConfigError(fmt::format("sample_rate is {} but must be between {} and {} Hz", sample_rate,
                                  min_sample_rate, max_sample_rate));
  }
  const Stopwatch decoding;
  const Clip clip = decode(path, options);
  if (resampled_length(clip.frames(), clip.sample_rate, sample_rate) > max_decoded_samples) {
    fail(path, fmt::format("{} frames at {} Hz become too many at {} Hz; set a duration",
                           clip.frames(), clip.sample_rate, sample_rate));
  }
  const std::vector<float> mono = to_mono(clip);
  if (times != nullptr) times->decode += decoding.seconds();
  const Stopwatch resampling;
  std::vector<float> signal = resample(mono, clip.sample_rate, sample_rate);
  if (times != nullptr) times->resample += resampling.seconds();
  return signal;
}

double stated_seconds(const std::filesystem::path& path, const DecodeOptions& options) {
  try {
    expect_file(path);
    SF_INFO info{};
    const Sound file = open_sound(path, info);
    expect_sane(path, info);
    const Part part = part_of(path, info, options);
    return static_cast<double>(part.length) / info.samplerate;
  } catch (const Error&) {
    return 0;
  }
}

std::string audio_versions() {
  return fmt::format("{}, {}, revision {}", sf_version_string(), soxr_version_name(),
                     audio_revision);
}

}  // namespace serenade
