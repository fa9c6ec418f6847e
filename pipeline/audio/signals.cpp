#include "pipeline/audio/signals.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/device/copy.h"
#include "kernels/device/error.h"
#include "pipeline/audio/resample.h"

namespace serenade {
namespace {

Ragged lengths_of(std::span<const StoredSound> sounds) {
  Ragged lengths;
  for (const StoredSound& sound : sounds) lengths.append(sound.frames);
  return lengths;
}

/// Replaces what `sound` is stored as, the last of memory, by its signal at sample_rate.
void resample_by_soxr(StoredSound& sound, int sample_rate, HostBytes& memory) {
  std::vector<float> mono(static_cast<std::size_t>(sound.frames));
  Context context;
  const auto as_view = [](std::vector<float>& of) {
    return Tensor<float>(of.data(), {static_cast<Index>(of.size())});
  };
  to_mono(context, std::span(&sound.clip, 1), {memory.data(), {static_cast<Index>(memory.size())}},
          lengths_of(std::span(&sound, 1)), as_view(mono));
  const Index length = resampled_length(sound.frames, sound.sample_rate, sample_rate);
  std::vector<float> out(static_cast<std::size_t>(length));
  Soxr<float>(sound.sample_rate, sample_rate)(mono, out);
  const auto begin = static_cast<std::size_t>(sound.clip.begin);
  memory.resize(begin + out.size() * sizeof(float));
  std::copy(out.begin(), out.end(), memory.as<float>(begin));
  sound = {{sound.clip.begin, 1, SampleFormat::float32}, length, sample_rate};
}

}  // namespace

StoredSound load_stored(const std::filesystem::path& path, int sample_rate,
                        const DecodeOptions& options, HostBytes& memory) {
  if (sample_rate < min_sample_rate || sample_rate > max_sample_rate) {
    throw ConfigError(fmt::format("sample_rate is {} but must be between {} and {} Hz", sample_rate,
                                  min_sample_rate, max_sample_rate));
  }
  const std::size_t before = memory.size();
  StoredSound sound = decode_stored(path, options, memory);
  try {
    if (resampled_length(sound.frames, sound.sample_rate, sample_rate) > max_decoded_samples) {
      throw DataError(fmt::format("{}: {} frames at {} Hz become too many at {} Hz; set a duration",
                                  path.string(), sound.frames, sound.sample_rate, sample_rate));
    }
    if (sound.sample_rate != sample_rate && !shared_bank(sound.sample_rate, sample_rate)) {
      resample_by_soxr(sound, sample_rate, memory);
    }
  } catch (...) {
    memory.resize(before);
    throw;
  }
  return sound;
}

Signals signals_of(Context& context, std::span<const StoredSound> sounds,
                   Tensor<const std::byte> stored, int sample_rate) {
  std::vector<StoredClip> clips;
  Signals signals;
  for (const StoredSound& sound : sounds) {
    clips.push_back(sound.clip);
    signals.samples.append(resampled_length(sound.frames, sound.sample_rate, sample_rate));
  }
  const Ragged frames = lengths_of(sounds);
  const auto is_at_rate = [&](const StoredSound& sound) {
    return sound.sample_rate == sample_rate;
  };
  signals.values = context.lend({signals.samples.total()});
  if (std::all_of(sounds.begin(), sounds.end(), is_at_rate)) {
    to_mono(context, clips, stored, frames, signals.values.view());
    return signals;
  }
  Lent mono = context.lend({frames.total()});
  to_mono(context, clips, stored, frames, mono.view());
  for (std::size_t begin = 0; begin < sounds.size();) {
    const int rate = sounds[begin].sample_rate;
    std::size_t end = begin;
    while (end < sounds.size() && sounds[end].sample_rate == rate) ++end;
    const auto first = static_cast<Index>(begin), last = static_cast<Index>(end);
    const Tensor<const float> from =
        std::as_const(mono).view().rows(frames.begin(first), frames.begin(last));
    const Tensor<float> to =
        signals.values.view().rows(signals.samples.begin(first), signals.samples.begin(last));
    if (rate == sample_rate) {
      copy(context, from, to);
    } else if (const auto bank = shared_bank(rate, sample_rate)) {
      resample(context, *bank, from, lengths_of(sounds.subspan(begin, end - begin)), to);
    } else {
      throw ShapeError(
          fmt::format("signals_of: {} Hz do not become {} Hz by a table", rate, sample_rate));
    }
    begin = end;
  }
  return signals;
}

std::string audio_versions() {
  return fmt::format("{}, {}, revision {}, to_mono {}, resample {}", sf_version_string(),
                     soxr_version_name(), audio_revision, to_mono_revision, resample_revision);
}

}  // namespace serenade
