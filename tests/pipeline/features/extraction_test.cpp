#include "pipeline/features/extraction.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "tests/pipeline/features/extraction_fixture.h"
#include "tests/support/error_of.h"

namespace serenade::test {
namespace {

using test::error_of;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;

TEST_F(ExtractionTest, FillsTheCacheOnce) {
  make_clips(10);
  const auto function = block_features();
  const auto first = extract("a", function);
  EXPECT_EQ(first.contents, 10);
  EXPECT_EQ(first.from_cache, 0);
  EXPECT_EQ(first.extracted, 10);
  EXPECT_EQ(first.shards, 3);
  EXPECT_GT(first.audio_seconds, 0);
  EXPECT_GT(first.stages.features, 0);
  EXPECT_EQ(listener_.total, 10);
  EXPECT_EQ(listener_.done, 10);
  EXPECT_NEAR(listener_.audio_seconds, first.audio_seconds, 1e-9);
  expect_right_features("a", function);

  const auto before = files("a");
  EXPECT_THAT(before, Contains(Key("key.txt")));
  EXPECT_THAT(before, Contains(Key("plan-000.json")));
  const auto second = extract("a", function);
  EXPECT_EQ(second.from_cache, 10);
  EXPECT_EQ(second.extracted, 0);
  EXPECT_EQ(files("a"), before);
  EXPECT_THAT(listener_.warnings, IsEmpty());
}

TEST_F(ExtractionTest, ThreadsDoNotChangeTheBytes) {
  make_clips(14);
  auto function = block_features();
  // Clips take turns at being slow, so that they do not finish in the order in which they began.
  function.extract = [inner = function.extract](Context& context, Tensor<const float> signal,
                                                const Ragged& clips, Tensor<float> out) {
    inner(context, signal, clips, out);
    std::this_thread::sleep_for(std::chrono::milliseconds(signal.size() / 90 % 3 * 5));
  };
  extract("a", function, small_shards(1));
  extract("b", function, small_shards(2));
  extract("c", function, small_shards(5));
  EXPECT_EQ(files("a"), files("b"));
  EXPECT_EQ(files("a"), files("c"));
}

TEST_F(ExtractionTest, GoesOnWhenLittleMayBeInMemory) {
  make_clips(14);
  const auto function = block_features();
  auto options = small_shards(3);
  options.shards.bytes = 1;  // every clip is above it
  EXPECT_EQ(extract("a", function, options).shards, 14);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, ExtractsOneContentOnce) {
  make_clips(3);
  std::filesystem::copy_file(sounds_ / "clip-1.wav", sounds_ / "again.wav");
  utterances_.push_back(utterance("again", sounds_ / "again.wav"));
  const auto function = block_features();
  const auto report = extract("a", function);
  EXPECT_EQ(report.utterances, 4);
  EXPECT_EQ(report.contents, 3);
  EXPECT_EQ(report.extracted, 3);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, NewClipsGetNewShards) {
  make_clips(6);
  const auto function = block_features();
  extract("a", function);
  const auto before = files("a");
  make_clips(3);
  const auto report = extract("a", function);
  EXPECT_EQ(report.from_cache, 6);
  EXPECT_EQ(report.extracted, 3);
  const auto after = files("a");
  for (const auto& [name, bytes] : before) {
    if (name == "index.h5") continue;
    EXPECT_TRUE(after.at(name) == bytes) << name;
  }
  EXPECT_THAT(after, Contains(Key("plan-001.json")));
  EXPECT_THAT(after, Contains(Key("shard-00002.h5")));
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, KilledAtAnyMomentItGoesOn) {
  make_clips(24);
  const auto function = block_features(/*pause_ms=*/4);
  extract("whole", function);
  const auto whole = files("whole");

  const Philox random(2026);
  int interrupted = 0;
  for (std::uint32_t kill = 0; kill < 10; ++kill) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        extract("killed", function, small_shards(1 + static_cast<int>(kill % 3)));
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    ::usleep(5'000 + random({kill, 0, 0, 0})[0] % 60'000);
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) ++interrupted;
    EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    // One that came to its end before the kill leaves nothing to interrupt: begin anew.
    if (WIFEXITED(status) && kill < 9) std::filesystem::remove_all(key_folder("killed"));
  }
  // Every third round has one thread, which from the beginning takes longer than any of the waits:
  // it, or the one before it, was interrupted.
  EXPECT_GE(interrupted, 4);
  const auto report = extract("killed", function);
  RecordProperty("interrupted", interrupted);
  RecordProperty("left_for_the_last_run", std::to_string(report.extracted));
  EXPECT_EQ(files("killed"), whole);
  EXPECT_THAT(listener_.warnings, IsEmpty());
  expect_right_features("killed", function);
}

TEST_F(ExtractionTest, RepairsDamage) {
  make_clips(10);
  const auto function = block_features();
  extract("a", function);
  const auto whole = files("a");
  const auto folder = key_folder("a");
  const auto expect_repaired = [&](Index extracted, const std::string& warning) {
    listener_.warnings.clear();
    EXPECT_EQ(extract("a", function).extracted, extracted) << warning;
    EXPECT_EQ(files("a"), whole) << warning;
    if (warning.empty()) {
      EXPECT_THAT(listener_.warnings, IsEmpty());
    } else {
      EXPECT_THAT(listener_.warnings, ElementsAre(HasSubstr(warning)));
    }
    expect_right_features("a", function);
  };
  std::string bytes = whole.at("shard-00001.h5");
  write_bytes(folder / "shard-00001.h5", bytes.substr(0, bytes.size() - 1));
  expect_repaired(4, "do not fit the hash in shard-00001.xxh3");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_bytes(folder / "shard-00001.h5", bytes);
  expect_repaired(4, "do not fit the hash in shard-00001.xxh3");
  std::filesystem::remove(folder / "shard-00000.xxh3");
  expect_repaired(4, "its hash is missing (shard-00000.xxh3)");
  std::filesystem::remove(folder / "shard-00002.h5");
  expect_repaired(2, "");
  write_bytes(folder / "shard-00001.h5.tmp-123", "half a shard");
  std::filesystem::remove(folder / "shard-00001.h5");
  expect_repaired(4, "");
}

TEST_F(ExtractionTest, AGarbagePlanCostsNothingButItself) {
  make_clips(6);
  const auto function = block_features();
  for (const std::string garbage :
       {"", "{", "[]", "{\"format\": 1, \"first_shard\": -4, \"shards\": [[\"00\"]]}",
        "{\"format\": 1, \"first_shard\": 99999999, \"shards\": [[], []]}",
        "{\"format\": 1, \"first_shard\": 0, \"shards\": {\"a\": 1}}",
        "{\"format\": 1, \"first_shard\": 0, \"shards\": [[\"zz\"]]}"}) {
    extract("a", function);
    const auto folder = key_folder("a");
    write_bytes(folder / "plan-000.json", garbage);
    std::filesystem::remove(folder / "shard-00000.h5");
    listener_.warnings.clear();
    EXPECT_EQ(extract("a", function).extracted, 4) << garbage;
    EXPECT_THAT(listener_.warnings, ElementsAre(HasSubstr("plan-000.json: removed")));
    expect_right_features("a", function);
    std::filesystem::remove_all(folder);
  }
}

TEST_F(ExtractionTest, PlansThatCannotBeFinishedAreLeftAlone) {
  make_clips(8);
  const auto function = block_features();
  extract("a", function);
  const auto whole = files("a");
  const auto folder = key_folder("a");
  std::filesystem::remove(folder / "shard-00000.h5");
  std::filesystem::remove(folder / "shard-00001.h5");
  // Now only half of the clips are asked for: no shard of the plan can be made again.
  const auto all = utterances_;
  utterances_ = {all.begin(), all.begin() + 4};
  EXPECT_EQ(extract("a", function).extracted, 4);
  expect_right_features("a", function);
  utterances_ = all;
  extract("a", function);
  expect_right_features("a", function);
  EXPECT_EQ(files("a").at("plan-000.json"), whole.at("plan-000.json"));
}

TEST_F(ExtractionTest, OtherOptionsHaveAnotherFolder) {
  make_clips(2);
  auto function = block_features();
  extract("a", function);
  const auto count = [&] {
    const std::filesystem::directory_iterator folders(caches_ / "a");
    return std::distance(begin(folders), end(folders));
  };
  EXPECT_EQ(count(), 1);
  function.text += " revision 2";
  EXPECT_EQ(extract("a", function).extracted, 2);
  EXPECT_EQ(count(), 2);
  function.decode.offset = 0.01;
  EXPECT_EQ(extract("a", function).extracted, 2);
  EXPECT_EQ(count(), 3);
  function.decode.duration = 0.02;
  EXPECT_EQ(extract("a", function).extracted, 2);
  function.sample_rate = 11025;
  EXPECT_EQ(extract("a", function).extracted, 2);
  EXPECT_EQ(count(), 5);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, AChangedRecordingIsExtractedAgain) {
  make_clips(4);
  const auto function = block_features();
  extract("a", function);
  const auto path = utterances_[2].path;
  const auto size = std::filesystem::file_size(path);
  write_sound(path, noisy_sine(700 + 90 * 2, 999, 8000, 77), 8000);
  ASSERT_EQ(std::filesystem::file_size(path), size);
  utterances_[2] = utterance("clip-2", path);
  EXPECT_EQ(extract("a", function).extracted, 1);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, NamesClipsWithoutFeatures) {
  make_clips(5);
  write_bytes(sounds_ / "noise.wav", "this is no sound at all");
  write_sound(sounds_ / "short.wav", noisy_sine(20, 300, 8000, 5), 8000);
  for (const std::string id : {"noise", "short"}) {
    utterances_.push_back(utterance(id, sounds_ / (id + ".wav")));
  }
  auto options = small_shards();
  options.max_bad = 0.5;
  std::atomic<int> calls = 0;
  auto function = block_features();
  function.extract = [&, inner = function.extract](Context& context, Tensor<const float> signal,
                                                   const Ragged& clips, Tensor<float> out) {
    ++calls;
    inner(context, signal, clips, out);
  };
  for (const int expected_calls : {6, 6}) {  // the second time all is known, errors too
    const auto report = extract("a", function, options);
    EXPECT_EQ(calls, expected_calls);
    ASSERT_EQ(report.bad.size(), 2U);
    EXPECT_EQ(report.bad[0].id, "noise");
    EXPECT_THAT(report.bad[0].reason, HasSubstr("is no sound file"));
    EXPECT_THAT(report.bad[0].reason, Not(HasSubstr(sounds_.path().string())));
    EXPECT_EQ(report.bad[1].path, sounds_ / "short.wav");
    EXPECT_EQ(report.bad[1].reason, "the clip is shorter than 64 samples");
  }
  // The error is known under any name of the same bytes, and no name is kept.
  for (const auto& [name, bytes] : files("a")) {
    EXPECT_THAT(bytes, Not(HasSubstr("noise.wav"))) << name;
    EXPECT_THAT(bytes, Not(HasSubstr("clip-1"))) << name;
  }
}

TEST_F(ExtractionTest, TooManyBadClipsAreAnErrorAfterTheRestIsSaved) {
  make_clips(3);
  write_bytes(sounds_ / "noise.wav", "this is no sound at all");
  utterances_.push_back(utterance("noise", sounds_ / "noise.wav"));
  const auto function = block_features();
  auto options = small_shards();
  options.max_bad = 0.2;
  const auto text = error_of([&] { extract("a", function, options); });
  EXPECT_THAT(text, HasSubstr("1 of 4"));
  EXPECT_THAT(text, HasSubstr("noise.wav: is no sound file"));
  options.max_bad = 0.25;
  EXPECT_EQ(extract("a", function, options).from_cache, 4);
}

TEST_F(ExtractionTest, WhatCannotBeReadIsTriedAgain) {
  make_clips(4);
  const auto function = block_features();
  std::filesystem::rename(sounds_ / "clip-2.wav", sounds_ / "hidden.wav");
  auto options = small_shards();
  options.max_bad = 0.3;
  auto report = extract("a", function, options);
  EXPECT_EQ(report.extracted, 3);
  ASSERT_EQ(report.bad.size(), 1U);
  EXPECT_THAT(report.bad[0].reason, HasSubstr("o such file"));
  std::filesystem::rename(sounds_ / "hidden.wav", sounds_ / "clip-2.wav");
  report = extract("a", function, options);
  EXPECT_EQ(report.extracted, 1);
  EXPECT_THAT(report.bad, IsEmpty());
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, AFileThatChangedSinceItWasHashedIsNotCached) {
  make_clips(4);
  const auto function = block_features();
  const auto old = utterances_[1].content;
  write_sound(utterances_[1].path, noisy_sine(900, 900, 8000, 99), 8000);
  auto options = small_shards();
  options.max_bad = 0.3;
  const auto report = extract("a", function, options);
  ASSERT_EQ(report.bad.size(), 1U);
  EXPECT_THAT(report.bad[0].reason, HasSubstr("changed while features were extracted"));
  EXPECT_FALSE(FeatureCache(caches_ / "a", function, listener_).contains(old));
}

TEST_F(ExtractionTest, AFullDiskIsOneErrorAndKeepsWhatIsFinished) {
  make_clips(8);
  const auto function = block_features();
  extract("whole", function);
  const auto whole = files("whole");
  // A limit on the size of files stands in for a full disk: shard 1 is longer than shard 0 by a
  // clip of 40,000 samples' rows.
  write_sound(sounds_ / "long.wav", noisy_sine(400'000, 300, 8000, 3), 8000);
  utterances_.push_back(utterance("long", sounds_ / "long.wav"));
  std::sort(utterances_.begin(), utterances_.end(),
            [](const auto& a, const auto& b) { return a.content < b.content; });
  const auto place = std::find_if(utterances_.begin(), utterances_.end(),
                                  [](const auto& clip) { return clip.id == "long"; });
  const int shard_of_long = static_cast<int>((place - utterances_.begin()) / 4);

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{30'000, 30'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto text = error_of([&] { extract("a", function); });
    const std::string expected = shard_name(shard_of_long) + ": cannot write: File too large";
    ::_exit(text.find(expected) == std::string::npos ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  for (const auto& [name, bytes] : files("a")) EXPECT_THAT(name, Not(HasSubstr(".tmp-")));
  const auto report = extract("a", function);
  EXPECT_EQ(report.from_cache, 4 * shard_of_long);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, AnyErrorOfAClipIsThatClipsOwn) {
  make_clips(12);
  auto function = block_features();
  const auto whole = function;
  function.extract = [&](Context& context, Tensor<const float> signal, const Ragged& clips,
                         Tensor<float> out) {
    if (signal.size() == 700 + 90 * 3) throw ShapeError("out is [1, 2] but must be [2, 1]");
    whole.extract(context, signal, clips, out);
  };
  auto options = small_shards();
  EXPECT_THAT(test::error_of([&] { extract("a", function, options); }),
              HasSubstr("clip-3.wav: out is [1, 2]"));
  options.max_bad = 0.1;
  const auto report = extract("a", function, options);
  EXPECT_EQ(report.from_cache, 11);
  ASSERT_EQ(report.bad.size(), 1U);
  EXPECT_EQ(report.bad[0].id, "clip-3");
  EXPECT_EQ(report.bad[0].reason, "out is [1, 2] but must be [2, 1]");
  // It says nothing about the content, so the clip is tried again.
  EXPECT_EQ(extract("a", whole).extracted, 1);
  expect_right_features("a", whole);
}

TEST_F(ExtractionTest, WhatIsNoErrorOfOursEndsTheRun) {
  make_clips(12);
  auto function = block_features();
  function.extract = [](Context&, Tensor<const float>, const Ragged&, Tensor<float>) {
    throw std::logic_error("a mistake in the program");
  };
  EXPECT_THROW(extract("a", function), std::logic_error);
}

/// Resampling such samples gives infinities and NaN, from which silence cannot be told.
TEST_F(ExtractionTest, AClipTooLoudToComputeWithIsBadAndHarmsNoOther) {
  make_clips(5);
  for (const float loud : {3e38F, 1e13F}) {
    const std::string id = fmt::format("loud{:g}", loud);
    std::vector<float> signal = noisy_sine(9000, 300, 16000, 9);
    for (float& x : signal) x = x > 0 ? loud : -loud;
    write_sound(sounds_ / (id + ".wav"), signal, 16000, 1, 0x010000 | 0x0006);  // WAV of floats
    utterances_.push_back(utterance(id, sounds_ / (id + ".wav")));
  }
  FeatureSpec spec;
  spec.sample_rate = 8000;
  spec.n_fft = 512;
  spec.hop_length = 128;
  spec.extract = {RmsFeature{}};
  spec.trim = TrimOptions{};
  for (const Normalise level : {Normalise::none, Normalise::peak}) {
    spec.normalise = level;
    const FeatureExtractor extractor(spec);
    auto options = small_shards();
    options.max_bad = 0.5;
    const auto report = extract("a", feature_function(extractor), options);
    ASSERT_EQ(report.bad.size(), 2U);
    EXPECT_EQ(report.bad[0].id, "loud3e+38");
    EXPECT_THAT(report.bad[0].reason, HasSubstr("3e+38, too large for a sample"));
    EXPECT_EQ(report.bad[1].id, "loud1e+13");
    EXPECT_THAT(report.bad[1].reason, HasSubstr("1e+13, too large for a sample"));
    EXPECT_EQ(report.extracted, 7);  // the reasons are kept as well
  }
}

}  // namespace
}  // namespace serenade::test
