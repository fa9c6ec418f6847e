#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/device/context.h"
#include "kernels/device/ragged.h"

namespace serenade {

/// Of the numbers this operation gives; part of the cache's key.
inline constexpr int to_mono_revision = 1;

/// How a file stores a sample, little-endian. int24 takes three bytes.
enum class SampleFormat : std::int32_t { int16, int24, int32, float32 };
constexpr auto enum_names(SampleFormat) {
  return std::to_array<std::string_view>({"int16", "int24", "int32", "float32"});
}

constexpr Index bytes_of(SampleFormat format) {
  return format == SampleFormat::int16 ? 2 : format == SampleFormat::int24 ? 3 : 4;
}

/// A clip among stored samples.
struct StoredClip {
  Index begin = 0;  ///< its first byte: divisible by 4
  std::int32_t channels = 1;
  SampleFormat format = SampleFormat::int16;
};

/// Samples as files store them to one number a frame: integers by their full scale (x / 32768 and
/// alike; exact but for int32, which is rounded to float32), then the mean of the channels, added
/// in order in float32 and divided, as numpy's over the channels, which is librosa's.
/// clips   one for each clip of the batch
/// stored  [bytes]   clip i's frames, channels interleaved, from clips[i].begin on
/// frames  the clips' lengths
/// mono    [frames]
/// Both twins give the same bits. Throws ShapeError where a clip does not lie within the bytes, has
/// no channel or begins at an odd place, or the shapes do not fit.
void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono);

namespace cpu {
void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono);
}  // namespace cpu
namespace cuda {
void to_mono(Context& context, std::span<const StoredClip> clips, Tensor<const std::byte> stored,
             const Ragged& frames, Tensor<float> mono);
}  // namespace cuda

}  // namespace serenade
