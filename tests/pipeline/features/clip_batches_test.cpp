// Several clips in one call, as a GPU is given them; here on the CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "kernels/device/error.h"
#include "tests/pipeline/features/extraction_fixture.h"

namespace serenade::test {
namespace {

using testing::HasSubstr;

class ClipBatchesTest : public ExtractionTest {
 protected:
  /// block_features() of each clip in a call, which notes how many there were and how much.
  FeatureFunction batched(Index clips_at_once) {
    FeatureFunction function = block_features();
    function.clips_at_once = clips_at_once;
    function.extract = [this, one = function.extract, rows = function.rows](
                           Context& context, Tensor<const float> signal, const Ragged& samples,
                           Tensor<float> out) {
      {
        const std::lock_guard lock(mutex_);
        clips_of_calls_.push_back(samples.clips());
        samples_of_calls_.push_back(samples.total());
      }
      Index row = 0;
      for (Index clip = 0; clip < samples.clips(); ++clip) {
        const Index length = samples.length(clip);
        const Index end = row + rows(length);
        one(context, signal.rows(samples.begin(clip), samples.end(clip)),
            Ragged(std::span<const Index>(&length, 1)), out.rows(row, end));
        row = end;
      }
    };
    return function;
  }

  std::mutex mutex_;
  std::vector<Index> clips_of_calls_, samples_of_calls_;
};

TEST_F(ClipBatchesTest, DoNotChangeTheBytes) {
  make_clips(23);
  auto options = small_shards(1);
  options.shards.clips = 10;
  extract("a", batched(1), options);
  EXPECT_EQ(clips_of_calls_, std::vector<Index>(23, 1));
  clips_of_calls_.clear();
  extract("b", batched(4), options);
  EXPECT_EQ(clips_of_calls_, (std::vector<Index>{4, 4, 2, 4, 4, 2, 3}));
  options.threads = 3;
  extract("c", batched(100), options);
  EXPECT_EQ(files("a"), files("b"));
  EXPECT_EQ(files("a"), files("c"));
  expect_right_features("c", block_features());
}

TEST_F(ClipBatchesTest, OnlyTheBadClipIsBad) {
  make_clips(7);
  write_sound(sounds_ / "short.wav", noisy_sine(20, 300, 8000, 5), 8000);
  write_bytes(sounds_ / "noise.wav", "this is no sound at all");
  for (const std::string id : {"short", "noise"}) {
    utterances_.push_back(utterance(id, sounds_ / (id + ".wav")));
  }
  auto options = small_shards(1);
  options.shards.clips = 100;
  options.max_bad = 0.5;
  const auto report = extract("a", batched(100), options);
  // The eight that can be read together, then each alone.
  EXPECT_EQ(clips_of_calls_.front(), 8);
  EXPECT_EQ(clips_of_calls_.size(), 9U);
  ASSERT_EQ(report.bad.size(), 2U);
  EXPECT_EQ(report.bad[0].id, "short");
  EXPECT_EQ(report.bad[0].reason, "the clip is shorter than 64 samples");
  EXPECT_EQ(report.bad[1].id, "noise");
  utterances_.resize(7);
  expect_right_features("a", block_features());
}

TEST_F(ClipBatchesTest, StayWithinTheDevicesMemory) {
  make_clips(12);  // 700 to 1690 samples
  auto function = batched(100);
  function.device_bytes = [](const Ragged& samples) {
    return static_cast<std::size_t>(samples.total()) * 1024;
  };
  auto options = small_shards(2);
  options.shards.clips = 100;
  options.device_memory = std::size_t{2 * 2000} * 1024;  // three quarters are for the batches
  options.max_bad = 0.5;
  const auto report = extract("a", function, options);
  for (const Index samples : samples_of_calls_) EXPECT_LE(samples, 1500);
  EXPECT_LT(samples_of_calls_.size(), 10U);
  ASSERT_EQ(report.bad.size(), 3U);
  for (const auto& clip : report.bad) {
    EXPECT_THAT(clip.reason,
                HasSubstr("take 2 MiB of the GPU's memory, and each thread may use 1"));
    EXPECT_THAT(clip.reason, HasSubstr("--device-memory"));
  }
  // It says nothing about the content, so they are tried again.
  options.device_memory *= 2;
  EXPECT_EQ(extract("a", function, options).extracted, 3);
  expect_right_features("a", block_features());
}

}  // namespace
}  // namespace serenade::test
