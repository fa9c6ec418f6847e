#include "kernels/dsp/pcm.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "kernels/device/checks.h"

namespace serenade {

void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono) {
  if (static_cast<Index>(clips.size()) != frames.clips()) {
    throw ShapeError("to_mono: " + std::to_string(clips.size()) + " clips, but lengths of " +
                     std::to_string(frames.clips()));
  }
  expect_rank("to_mono", "stored", stored.shape(), 1, "[bytes]");
  expect_shape("to_mono", "mono", mono.shape(), Shape{frames.total()});
  expect_on_device("to_mono", context, stored, mono);
  for (Index i = 0; i < frames.clips(); ++i) {
    const StoredClip& clip = clips[static_cast<std::size_t>(i)];
    const Index length = frames.length(i);
    if (clip.channels < 1 || clip.begin < 0 || clip.begin % 4 != 0 || clip.begin > stored.size() ||
        length > (stored.size() - clip.begin) / bytes_of(clip.format) / clip.channels) {
      throw ShapeError("to_mono: clip " + std::to_string(i) + " (" + std::to_string(length) +
                       " frames of " + std::to_string(clip.channels) + " channels from byte " +
                       std::to_string(clip.begin) + ") does not lie within the " +
                       std::to_string(stored.size()) + " bytes");
    }
  }
  if constexpr (has_cuda) {
    if (context.device() == Device::cuda)
      return cuda::to_mono(context, clips, stored, frames, mono);
  }
  cpu::to_mono(context, clips, stored, frames, mono);
}

namespace cpu {
namespace {

template <class T>
T loaded(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

struct Int16 {
  static constexpr Index bytes = 2;
  static float value(const std::byte* from) {
    return static_cast<float>(loaded<std::int16_t>(from)) * 0x1p-15F;
  }
};
struct Int24 {
  static constexpr Index bytes = 3;
  static float value(const std::byte* from) {
    const std::uint32_t upper = static_cast<std::uint32_t>(loaded<std::uint16_t>(from)) << 8U |
                                static_cast<std::uint32_t>(from[2]) << 24U;
    return static_cast<float>(static_cast<std::int32_t>(upper)) * 0x1p-31F;
  }
};
struct Int32 {
  static constexpr Index bytes = 4;
  static float value(const std::byte* from) {
    return static_cast<float>(loaded<std::int32_t>(from)) * 0x1p-31F;
  }
};
struct Float32 {
  static constexpr Index bytes = 4;
  static float value(const std::byte* from) { return loaded<float>(from); }
};

template <class Format>
void convert(const std::byte* from, Index frames, Index channels, float* to) {
  if (channels == 1) {
    for (Index i = 0; i < frames; ++i) to[i] = Format::value(from + i * Format::bytes);
    return;
  }
  const auto count = static_cast<float>(channels);
  for (Index i = 0; i < frames; ++i) {
    float sum = 0;
    for (Index c = 0; c < channels; ++c)
      sum += Format::value(from + (i * channels + c) * Format::bytes);
    to[i] = sum / count;
  }
}

void convert(const StoredClip& clip, const std::byte* from, Index frames, float* to) {
  switch (clip.format) {
    case SampleFormat::int16:
      return convert<Int16>(from, frames, clip.channels, to);
    case SampleFormat::int24:
      return convert<Int24>(from, frames, clip.channels, to);
    case SampleFormat::int32:
      return convert<Int32>(from, frames, clip.channels, to);
    case SampleFormat::float32:
      return convert<Float32>(from, frames, clip.channels, to);
  }
}

}  // namespace

void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono) {
  constexpr Index frames_a_chunk = Index{1} << 16U;
  Ragged chunks;
  for (Index clip = 0; clip < frames.clips(); ++clip) {
    chunks.append((frames.length(clip) + frames_a_chunk - 1) / frames_a_chunk);
  }
  context.parallel(chunks.total(), [&](Index chunk) {
    const auto after = std::upper_bound(chunks.offsets().begin(), chunks.offsets().end(), chunk);
    const Index clip = after - chunks.offsets().begin() - 1;
    const StoredClip& one = clips[static_cast<std::size_t>(clip)];
    const Index first = (chunk - chunks.begin(clip)) * frames_a_chunk;
    const Index count = std::min(frames_a_chunk, frames.length(clip) - first);
    convert(one, stored.data() + one.begin + first * one.channels * bytes_of(one.format), count,
            mono.data() + frames.begin(clip) + first);
  });
}

}  // namespace cpu
}  // namespace serenade
