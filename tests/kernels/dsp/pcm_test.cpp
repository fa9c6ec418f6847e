#include "kernels/dsp/pcm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "kernels/device/error.h"
#include "kernels/device/transfer.h"

namespace serenade {
namespace {

using testing::ElementsAre;

template <class T>
HostBytes bytes_with(const std::vector<T>& values) {
  HostBytes memory;
  memory.resize(values.size() * sizeof(T));
  std::copy(values.begin(), values.end(), memory.as<T>());
  return memory;
}

std::vector<float> mono_of(const HostBytes& memory, const StoredClip& clip, Index frames) {
  std::vector<float> mono(static_cast<std::size_t>(frames));
  Context context;
  to_mono(context, std::array{clip}, {memory.data(), {static_cast<Index>(memory.size())}},
          Ragged(std::array{frames}), {mono.data(), {frames}});
  return mono;
}

TEST(ToMono, ScalesIntegersByTheirFullRange) {
  using Limits16 = std::numeric_limits<std::int16_t>;
  EXPECT_THAT(mono_of(bytes_with<std::int16_t>({0, 1, -1, Limits16::max(), Limits16::min()}),
                      {0, 1, SampleFormat::int16}, 5),
              ElementsAre(0, 1 / 32768.0F, -1 / 32768.0F, 32767 / 32768.0F, -1));
  const std::vector<std::uint8_t> packed{1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0, 0x80};
  EXPECT_THAT(mono_of(bytes_with(packed), {0, 1, SampleFormat::int24}, 4),
              ElementsAre(0x1p-23F, -0x1p-23F, 0x7FFFFFp-23F, -1));
  using Limits32 = std::numeric_limits<std::int32_t>;
  EXPECT_THAT(mono_of(bytes_with<std::int32_t>({1 << 30, Limits32::min(), Limits32::max()}),
                      {0, 1, SampleFormat::int32}, 3),
              ElementsAre(0.5F, -1, 1));
}

TEST(ToMono, IsTheMeanOfTheChannels) {
  const HostBytes memory = bytes_with<float>({9, 1, 2, 6, 0, 0, 3});
  EXPECT_THAT(mono_of(memory, {4, 3, SampleFormat::float32}, 2), ElementsAre(3, 1));
}

TEST(ToMono, RefusesWhatDoesNotLieWithinTheBytes) {
  const HostBytes memory = bytes_with<std::int16_t>({1, 2, 3, 4});
  EXPECT_EQ(mono_of(memory, {0, 2, SampleFormat::int16}, 2).size(), 2U);
  EXPECT_THROW(mono_of(memory, {0, 2, SampleFormat::int16}, 3), ShapeError);
  EXPECT_THROW(mono_of(memory, {4, 2, SampleFormat::int16}, 2), ShapeError);
  EXPECT_THROW(mono_of(memory, {12, 1, SampleFormat::int16}, 0), ShapeError);
  EXPECT_THROW(mono_of(memory, {-4, 1, SampleFormat::int16}, 1), ShapeError);
  EXPECT_THROW(mono_of(memory, {2, 1, SampleFormat::int16}, 1), ShapeError);
  EXPECT_THROW(mono_of(memory, {0, 0, SampleFormat::int16}, 1), ShapeError);
  EXPECT_THROW(
      mono_of(memory, {0, std::numeric_limits<std::int32_t>::max(), SampleFormat::int32}, 1),
      ShapeError);
}

}  // namespace
}  // namespace serenade
