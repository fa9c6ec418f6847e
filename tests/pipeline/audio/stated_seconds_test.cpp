#include <gtest/gtest.h>
#include <sndfile.h>

#include "pipeline/audio/decode.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

TEST(StatedSeconds, IsWhatDecodeReads) {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.flac";
  test::write_sound(path, test::noisy_sine(12000, 300, 8000, 1), 8000, 1,
                    SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  EXPECT_DOUBLE_EQ(stated_seconds(path), 1.5);
  EXPECT_DOUBLE_EQ(stated_seconds(path, {.offset = 0.25, .duration = {}}), 1.25);
  EXPECT_DOUBLE_EQ(stated_seconds(path, {.offset = 0.25, .duration = 0.5}), 0.5);
  EXPECT_DOUBLE_EQ(decode(path, {.offset = 0.25, .duration = 0.5}).seconds(), 0.5);
}

TEST(StatedSeconds, IsZeroForWhatCannotBeRead) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "noise.wav", "this is no sound");
  EXPECT_EQ(stated_seconds(folder / "noise.wav"), 0);
  EXPECT_EQ(stated_seconds(folder / "absent.wav"), 0);
}

}  // namespace
}  // namespace serenade
