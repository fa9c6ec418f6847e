#include "pipeline/audio/decode.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>

#include "kernels/device/error.h"
#include "pipeline/audio/container.h"
#include "pipeline/audio/endless_header.h"
#include "pipeline/audio/usable.h"
#include "pipeline/support/files.h"

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

/// How the samples of a file are handed on: as it stores them, where libsndfile gives them like
/// that.
SampleFormat format_of(const SF_INFO& info) {
  switch (info.format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8:
    case SF_FORMAT_PCM_16:
      return SampleFormat::int16;
    case SF_FORMAT_PCM_24: {
      const int container = info.format & SF_FORMAT_TYPEMASK;
      const bool is_wav = container == SF_FORMAT_WAV || container == SF_FORMAT_WAVEX;
      const bool little = (info.format & SF_FORMAT_ENDMASK) != SF_ENDIAN_BIG;
      return is_wav && little ? SampleFormat::int24 : SampleFormat::int32;
    }
    case SF_FORMAT_PCM_32:
      return SampleFormat::int32;
    default:
      return SampleFormat::float32;
  }
}

/// Reads up to `frames` frames to `to`; those that are there.
Index read_block(SNDFILE* file, SampleFormat format, Index frames, int channels, std::byte* to) {
  switch (format) {
    case SampleFormat::int16:
      return sf_readf_short(file, reinterpret_cast<short*>(to), frames);
    case SampleFormat::int24: {
      const Index frame_bytes = 3 * Index{channels};
      return sf_read_raw(file, to, frames * frame_bytes) / frame_bytes;
    }
    case SampleFormat::int32:
      return sf_readf_int(file, reinterpret_cast<int*>(to), frames);
    case SampleFormat::float32:
      return sf_readf_float(file, reinterpret_cast<float*>(to), frames);
  }
  return 0;
}

/// Reads `frames` frames or to the end behind what `memory` holds, a block at a time: memory
/// follows what is there, not what a header says. Returns the frames read.
Index read_frames(SNDFILE* file, SampleFormat format, Index frames, int channels,
                  HostBytes& memory) {
  constexpr Index block = Index{1} << 16U;
  const Index block_frames = std::max<Index>(1, block / channels);
  const auto frame_bytes = static_cast<std::size_t>(channels * bytes_of(format));
  Index done = 0;
  while (done < frames) {
    const Index want = std::min(block_frames, frames - done);
    const std::size_t size = memory.size();
    memory.resize(size + static_cast<std::size_t>(want) * frame_bytes);
    const Index got =
        std::max<Index>(0, read_block(file, format, want, channels, memory.data() + size));
    memory.resize(size + static_cast<std::size_t>(got) * frame_bytes);
    if (got == 0) break;
    done += got;
  }
  return done;
}

void expect_usable(const std::filesystem::path& path, const StoredSound& sound,
                   const float* samples, Index first_frame) {
  const int channels = sound.clip.channels;
  const auto at = first_unusable({samples, static_cast<std::size_t>(sound.frames * channels)});
  if (!at) return;
  const Index frame = first_frame + *at / channels;
  fail(path,
       fmt::format("frame {} ({:.3f} s), channel {} is {}; only finite samples up to {:g} can "
                   "be used (full scale is 1)",
                   frame, static_cast<double>(frame) / sound.sample_rate, *at % channels + 1,
                   unusable_text(samples[*at]), loudest_sample));
}

/// decode_stored, but that it leaves memory as it comes when it throws.
StoredSound read_sound(const std::filesystem::path& path, const DecodeOptions& options,
                       HostBytes& memory) {
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

  const SampleFormat format = format_of(info);
  const std::size_t begin = (memory.size() + 15) / 16 * 16;
  memory.resize(begin);
  if (has_memory(info.format)) {
    constexpr Index block = 1 << 16;
    HostBytes skipped;
    for (Index left = part.begin; left > 0;) {
      skipped.resize(0);
      const Index got =
          read_frames(file.get(), format, std::min(left, block), info.channels, skipped);
      if (got == 0) break;
      left -= got;
    }
  } else if (part.begin > 0 && sf_seek(file.get(), part.begin, SEEK_SET) != part.begin) {
    fail(path, fmt::format("cannot go to frame {}: {}", part.begin, sf_strerror(file.get())));
  }

  StoredSound sound;
  sound.clip = {static_cast<Index>(begin), info.channels, format};
  sound.sample_rate = info.samplerate;
  sound.frames = read_frames(file.get(), format, part.length, info.channels, memory);
  if (sound.frames < part.length) {
    fail(path, fmt::format("truncated or damaged: the header says {} frames, {} can be read{}",
                           info.frames, part.begin + sound.frames,
                           sf_error(file.get()) == SF_ERR_NO_ERROR
                               ? std::string()
                               : fmt::format(" ({})", sf_strerror(file.get()))));
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR) {
    fail(path, fmt::format("damaged: {}", sf_strerror(file.get())));
  }
  if (format == SampleFormat::float32) {
    expect_usable(path, sound, memory.as<float>(begin), part.begin);
  }
  return sound;
}

}  // namespace

StoredSound decode_stored(const std::filesystem::path& path, const DecodeOptions& options,
                          HostBytes& memory) {
  check_ranges(options);
  const std::size_t before = memory.size();
  try {
    return read_sound(path, options, memory);
  } catch (...) {
    memory.resize(before);
    throw;
  }
}

Clip decode(const std::filesystem::path& path, const DecodeOptions& options) {
  HostBytes memory;
  const StoredSound sound = decode_stored(path, options, memory);
  // As one channel of frames x channels: each sample by itself.
  const StoredClip each{sound.clip.begin, 1, sound.clip.format};
  const Ragged samples(std::vector<Index>{sound.frames * sound.clip.channels});
  Clip clip{std::vector<float>(static_cast<std::size_t>(samples.total())), sound.sample_rate,
            sound.clip.channels};
  Context context;
  to_mono(context, std::span(&each, 1), {memory.data(), {static_cast<Index>(memory.size())}},
          samples, {clip.samples.data(), {samples.total()}});
  return clip;
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

}  // namespace serenade
