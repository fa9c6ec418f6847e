// From recordings to a cache through the host code that a GPU has, on the emulated one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "kernels/device/philox.h"
#include "pipeline/experiment/config.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/features/clip_batches.h"
#include "pipeline/features/extraction.h"
#include "pipeline/support/content_hash.h"
#include "tests/emulation/engine.h"
#include "tests/emulation/memory.h"
#include "tests/emulation/target.h"
#include "tests/pipeline/features/extraction_fixture.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class EmulatedExtraction : public ::testing::Test {
 protected:
  void TearDown() override {
    emulation::machine() = {};
    EXPECT_EQ(emulation::take_faults(), "");
  }

  /// Harmonics of a voice that falls, a pause, noise: what tuning, chroma and contrast differ on.
  static std::vector<float> voice(Index samples, double pitch, int sample_rate) {
    std::vector<float> all = noisy_sine(samples, pitch, sample_rate, 3);
    for (Index i = 0; i < samples; ++i) {
      const double t = static_cast<double>(i) / sample_rate;
      double x = 0;
      for (int k = 2; k < 9; ++k) {
        x += std::sin(2 * std::numbers::pi * pitch * k * t * (1 - 0.05 * t)) / k;
      }
      const bool pause = i % 9000 > 7000;
      all[static_cast<std::size_t>(i)] =
          pause ? 0.0F : all[static_cast<std::size_t>(i)] + static_cast<float>(0.2 * x);
    }
    return all;
  }

  std::vector<Utterance> recordings() const {
    std::vector<Utterance> all;
    Index samples = 700;
    for (int i = 0; i < 7; ++i, samples = samples * 2 + 333) {
      Utterance one;
      one.id = "clip-" + std::to_string(i);
      one.path = folder_ / (one.id + ".wav");
      // By tables, not at all, by libsoxr; as files store samples, one and two channels.
      const int rate = std::array{48000, 24000, 22050, 44099}.at(static_cast<std::size_t>(i % 4));
      const int format = std::array{SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_FLOAT,
                                    SF_FORMAT_PCM_32, SF_FORMAT_PCM_U8}
                             .at(static_cast<std::size_t>(i % 5));
      const int channels = 1 + i % 2;
      write_sound(one.path, voice(samples * channels, 110.0 * (1 + i % 3), rate), rate, channels,
                  SF_FORMAT_WAV | format);
      one.content = hash_file(one.path);
      all.push_back(one);
    }
    return all;
  }

  TemporaryFolder folder_;
  ExtractionListener listener_;
};

TEST_F(EmulatedExtraction, FillsTheCacheWithTheCpusFeatures) {
  const auto utterances = recordings();
  for (const char* features : {"{extract: [{mfcc: {n_mfcc: 40}}, chroma_stft, spectral_contrast, "
                               "tonnetz, zero_crossing_rate, rms, {delta: {of: mfcc}}, mel]}",
                               "{extract: [spectral_flux, spectral_centroid, spectral_bandwidth, "
                               "spectral_flatness, {delta: {of: spectral_centroid}}]}",
                               // On the CPU, of signals that the GPU resampled: single frames at
                               // a threshold may differ, which a clip's mean hardly shows.
                               "{extract: [pcen, pyin], statistics: [mean]}",
                               "{n_fft: 1024, pad_mode: reflect, extract: [mel]}",
                               "{extract: [cqt, chroma_cqt, {tonnetz: {chroma: cqt}}]}",
                               "{extract: [{rms: {part: harmonic}}, {mfcc: {part: percussive}}, "
                               "{tonnetz: {chroma: cqt, part: harmonic}}]}",
                               "{extract: [mfcc, chroma_stft, rms], normalise: rms, trim: {}, "
                               "statistics: [mean, std, min, max, median, p90]}"}) {
    const auto spec =
        parse_experiment("name: t\nfeatures: " + std::string(features), "a test").features;
    const FeatureExtractor extractor(spec);
    const FeatureFunction on_gpu = feature_function(extractor, Device::cuda);
    const FeatureFunction on_cpu = feature_function(extractor, Device::cpu);
    FeatureCache gpu(folder_ / "cache", on_gpu, listener_);
    FeatureCache cpu(folder_ / "cache", on_cpu, listener_);
    EXPECT_NE(gpu.folder(), cpu.folder());
    EXPECT_EQ(extract_features(gpu, on_gpu, utterances, {.threads = 2, .shards = {}}, listener_)
                  .extracted,
              static_cast<Index>(utterances.size()));
    extract_features(cpu, on_cpu, utterances, {.threads = 2, .shards = {}}, listener_);
    for (const Utterance& one : utterances) {
      const auto found = gpu.find(one.content).value().rows;
      const auto wanted = cpu.find(one.content).value().rows;
      ASSERT_EQ(found.shape(), wanted.shape());
      for (Index i = 0; i < wanted.size(); ++i) {
        const auto value = static_cast<double>(wanted.data()[i]);
        // MFCC, the widest of the tolerances of single operations; two of them.
        ASSERT_NEAR(found.data()[i], value, 4e-3 + 2e-6 * std::abs(value))
            << one.id << ", row " << i / wanted.extent(1) << ", "
            << extractor.column_names()[static_cast<std::size_t>(i % wanted.extent(1))];
      }
    }
  }
}

TEST_F(EmulatedExtraction, MakesTheSameCopiesForTheGpu) {
  const ExperimentConfig config = parse_experiment(
      "name: t\nfeatures: {extract: [mfcc, rms], trim: {}}\n"
      "augmentation: {copies: [{speed: [0.8, 1.2], pitch_shift: 1, noise: [10, 20]}]}",
      "a test");
  const FeatureExtractor extractor(config.features);
  const CopyMaker maker{config.augmentation.copies[0], 0, 1, config.features.sample_rate};
  const FeatureFunction on_gpu = feature_function(extractor, maker, Device::cuda);
  const FeatureFunction on_cpu = feature_function(extractor, maker);
  const std::vector<Utterance> utterances = recordings();
  FeatureCache gpu(folder_ / "gpu", on_gpu, listener_), cpu(folder_ / "cpu", on_cpu, listener_);
  extract_features(gpu, on_gpu, utterances, {.threads = 2, .shards = {}}, listener_);
  extract_features(cpu, on_cpu, utterances, {.threads = 2, .shards = {}}, listener_);
  for (const Utterance& one : utterances) {
    const auto found = gpu.find(one.content).value().rows;
    const auto wanted = cpu.find(one.content).value().rows;
    ASSERT_EQ(found.shape(), wanted.shape());
    for (Index i = 0; i < wanted.size(); ++i) {
      const auto value = static_cast<double>(wanted.data()[i]);
      ASSERT_NEAR(found.data()[i], value, 4e-3 + 2e-6 * std::abs(value)) << one.id << " " << i;
    }
  }
}

TEST_F(EmulatedExtraction, DecodesTheNextBatchBeforeItWaitsForTheLast) {
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [rms]}", "a test").features);
  FeatureFunction function = feature_function(extractor, Device::cuda);
  function.clips_at_once = 2;
  Context context(Device::cuda);
  ClipBatches batches(context, function, std::size_t{1} << 30U);
  const auto clips = recordings();
  const auto done = [&] { return batches.take().size(); };
  for (std::size_t i = 0; i < 4; ++i) {
    batches.add(i, clips[i].path);
    EXPECT_EQ(done(), 0U) << i;
  }
  // The slot of the first two is needed again.
  batches.add(4, clips[4].path);
  EXPECT_EQ(done(), 2U);
  batches.finish();
  EXPECT_EQ(done(), 3U);
}

TEST_F(EmulatedExtraction, BatchesAllocateNothingTheSecondTime) {
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [mfcc, chroma_stft], trim: {}, "
                       "normalise: peak}",
                       "a test")
          .features);
  const FeatureFunction function = feature_function(extractor, Device::cuda);
  Context context(Device::cuda);
  ClipBatches batches(context, function, std::size_t{1} << 30U);
  const auto clips = recordings();
  const auto run = [&] {
    emulation::take_memory_use();
    for (std::size_t i = 0; i < clips.size(); ++i) batches.add(i, clips[i].path);
    batches.finish();
    EXPECT_EQ(batches.take().size(), clips.size());
    return emulation::take_memory_use().allocations;
  };
  EXPECT_GT(run(), 0);
  run();  // of what the first gave back another may fit better
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(run(), 0);
}

/// Clips end to end: noise, whose peaks take the most memory.
struct Sound {
  std::vector<float> samples;
  Ragged clips;

  explicit Sound(const std::vector<Index>& lengths) {
    for (const Index length : lengths) {
      const auto one = noisy_sine(length, 300, 22050, static_cast<std::uint64_t>(length));
      samples.insert(samples.end(), one.begin(), one.end());
      clips.append(length);
    }
  }
  Tensor<const float> view() const { return {samples.data(), {clips.total()}}; }
};

TEST_F(EmulatedExtraction, AllocatesNothingTheSecondTimeAndNoMoreThanItSaid) {
  for (const char* features :
       {"{extract: [mfcc, chroma_stft, spectral_contrast, tonnetz, "
        "zero_crossing_rate, rms, {delta: {of: mfcc}}, {mel: {db: true}}]}",
        "{extract: [{mfcc: {n_mels: 40}}, mel], "
        "statistics: [mean, median]}",
        "{extract: [tonnetz]}", "{extract: [spectral_contrast]}",
        "{extract: [cqt, {chroma_cqt: {tuning: 0}}]}", "{extract: [{tonnetz: {chroma: cqt}}]}",
        "{extract: [{rms: {part: harmonic}}]}",
        "{extract: [{tonnetz: {chroma: cqt, part: harmonic}}]}",
        "{extract: [rms, {rms: {part: percussive}}, {mfcc: {part: harmonic}}, "
        "{spectral_contrast: {part: harmonic}}]}",
        "{extract: [{mel: {n_mels: 256}}, {delta2: {of: mel}}]}", "{extract: [rms]}"}) {
    const FeatureExtractor extractor(
        parse_experiment("name: t\nfeatures: " + std::string(features), "a test").features);
    Context context(Device::cuda);
    const auto run = [&](const Sound& sound) {
      Array<float> out({extractor.rows_of(sound.clips).total(), extractor.dims()});
      emulation::take_memory_use();
      extractor.extract(context, sound.view(), sound.clips, out.view());
      return emulation::take_memory_use();
    };
    // Tables and working memory of a fixed size.
    const std::size_t fixed = run(Sound(std::vector<Index>{1})).most;
    const Sound batch({5'000, 1'000, 9'000, 512});
    const std::size_t said = extractor.working_bytes(batch.clips);
    const emulation::MemoryUse first = run(batch);
    EXPECT_GT(first.allocations, 0) << features;
    EXPECT_LE(first.most, fixed + said) << features;
    EXPECT_GE(first.most, said / 3) << features << ": said far too much";
    EXPECT_EQ(run(batch).allocations, 0) << features;
    // Batches of several sizes find, after some, what fits them all.
    const Sound other({4'000, 8'500, 700});
    for (int i = 0; i < 4; ++i) {
      run(other);
      run(batch);
    }
    EXPECT_EQ(run(other).allocations + run(batch).allocations, 0) << features;
  }
}

TEST_F(EmulatedExtraction, KeepsAThirdMoreThanWasEverLent) {
  Context context(Device::cuda);
  std::size_t peak = 0;
  for (std::uint32_t batch = 0; batch < 300; ++batch) {
    std::vector<Lent> lent;
    std::size_t live = 0;
    for (std::uint32_t i = 0; i < 6; ++i) {
      const auto words = Philox(1)({batch, i, 0, purpose_of(Purpose::test)});
      const Index size = 1024 + words[0] % (Index{1} << (10 + words[1] % 9));
      lent.push_back(context.lend({size}));
      live += static_cast<std::size_t>(size) * sizeof(float);
      if (words[2] % 3 == 0) lent.erase(lent.begin());
    }
    peak = std::max(peak, live);
    // Lent with up to an eighth more, or in what is up to twice as large.
    ASSERT_LE(emulation::bytes_in_use(), 2 * peak / 8 * 9 / 3 * 4) << batch;
  }
}

TEST_F(EmulatedExtraction, KeepsLittleMoreThanTheLargestBatchTook) {
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [mfcc, spectral_contrast, rms]}", "a test")
          .features);
  Context context(Device::cuda);
  std::size_t fixed = 0;
  std::size_t largest = 0;
  // Slowly larger, then anything: small numbers must not end up in what large ones left.
  for (const Index length : {1, 600, 700, 900, 1'100, 1'500, 2'000, 3'000, 4'000, 5'500, 7'000,
                             9'000, 600, 9'500, 2'500, 10'000, 1'200, 5'000, 10'000}) {
    const Sound sound({length});
    Array<float> out({extractor.rows_of(sound.clips).total(), extractor.dims()});
    extractor.extract(context, sound.view(), sound.clips, out.view());
    const std::size_t most = emulation::take_memory_use().most;
    if (fixed == 0) fixed = most;
    largest = std::max(largest, extractor.working_bytes(sound.clips));
    EXPECT_LE(most, fixed + largest / 3 * 4) << length;
  }
}

TEST_F(EmulatedExtraction, LeavesOutTheClipThatTheGpusMemoryDoesNotHold) {
  const auto utterances = recordings();
  emulation::machine().device.memory = std::size_t{64} << 20U;
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [mfcc, spectral_contrast]}", "a test")
          .features);
  const FeatureFunction on_gpu = feature_function(extractor, Device::cuda);
  FeatureCache cache(folder_ / "cache", on_gpu, listener_);
  const ExtractionOptions options{
      .threads = 1, .max_bad = 0.5, .shards = {}, .device_memory = std::size_t{1400} << 10U};
  const auto report = extract_features(cache, on_gpu, utterances, options, listener_);
  ASSERT_EQ(report.bad.size(), 1U);
  EXPECT_EQ(report.bad.front().id, utterances.back().id);
  EXPECT_THAT(report.bad.front().reason, HasSubstr("each thread may use 1 MiB"));
}

TEST_F(EmulatedExtraction, EndsWhereTheGpusMemoryIsUsedUp) {
  const auto utterances = recordings();
  emulation::machine().device.memory = std::size_t{4} << 20U;
  const FeatureExtractor extractor(
      parse_experiment("name: t\nfeatures: {extract: [mfcc]}", "a test").features);
  const FeatureFunction on_gpu = feature_function(extractor, Device::cuda);
  FeatureCache cache(folder_ / "cache", on_gpu, listener_);
  try {
    extract_features(cache, on_gpu, utterances, {.threads = 2, .shards = {}}, listener_);
    FAIL() << "nothing was thrown";
  } catch (const DeviceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the GPU's memory is used up"));
  }
}

TEST_F(EmulatedExtraction, SaysWhichDeviceWasChosenAndWhy) {
  const Context context(2);
  EXPECT_EQ(choose_device("auto", context).device, Device::cuda);
  EXPECT_THAT(choose_device("cuda", context).text,
              StartsWith("device: cuda, Emulated GPU (8.0, 8192 MiB); cpu, 2 threads"));
  EXPECT_EQ(choose_device("cpu", context).text, "device: cpu, 2 threads");
  emulation::machine().devices = 0;
  EXPECT_EQ(choose_device("auto", context).text, "device: cpu, 2 threads (no NVIDIA GPU is there)");
  EXPECT_THROW(choose_device("cuda", context), DeviceError);
  EXPECT_THROW(choose_device("gpu", context), ConfigError);
}

}  // namespace
}  // namespace serenade::test
