#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/features/extraction.h"
#include "tests/support/load_mono.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade::test {

/// Mean and largest of blocks of 64 samples: quick, and different for different sounds.
inline FeatureFunction block_features(int pause_ms = 0) {
  FeatureFunction function;
  function.text = "{blocks: 64}";
  function.sample_rate = 8000;
  function.columns = {"mean", "max"};
  function.rows = [](Index samples) { return samples / 64; };
  function.extract = [pause_ms](Context&, Tensor<const float> signal, const Ragged&,
                                Tensor<float> out) {
    if (signal.size() < 64) throw DataError("the clip is shorter than 64 samples");
    for (Index row = 0; row < out.extent(0); ++row) {
      const auto block = signal.span().subspan(static_cast<std::size_t>(row * 64), 64);
      float sum = 0;
      for (const float x : block) sum += x;
      out.row(row).data()[0] = sum / 64;
      out.row(row).data()[1] = *std::max_element(block.begin(), block.end());
    }
    if (pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(pause_ms));
  };
  return function;
}

class ExtractionListener : public Observer {
 public:
  void begin(std::string_view, Index total_clips, std::string_view) override {
    total = total_clips;
    done = 0;
  }
  void advance(Index now, double seconds, std::string_view) override {
    EXPECT_GE(now, done);
    EXPECT_EQ(std::this_thread::get_id(), thread_);
    done = now;
    audio_seconds = seconds;
  }
  void note(std::string_view line) override { notes.emplace_back(line); }
  void warn(std::string_view line) override { warnings.emplace_back(line); }

  Index total = 0, done = 0;
  double audio_seconds = 0;
  std::vector<std::string> notes, warnings;

 private:
  std::thread::id thread_ = std::this_thread::get_id();
};

inline Utterance utterance(const std::string& id, const std::filesystem::path& path) {
  Utterance result;
  result.id = id;
  result.path = path;
  result.content = hash_file(path);
  return result;
}

/// A folder of `clips` recordings of different lengths, 8 kHz, and room for caches.
class ExtractionTest : public testing::Test {
 protected:
  void make_clips(int clips) {
    for (int i = static_cast<int>(utterances_.size()); clips > 0; ++i, --clips) {
      const std::string id = "clip-" + std::to_string(i);
      write_sound(sounds_ / (id + ".wav"), noisy_sine(700 + 90 * i, 200 + 10 * i, 8000, seed(i)),
                  8000);
      utterances_.push_back(utterance(id, sounds_ / (id + ".wav")));
    }
  }
  static std::uint64_t seed(int i) { return static_cast<std::uint64_t>(i) + 1; }

  static ExtractionOptions small_shards() { return small_shards(2); }
  static ExtractionOptions small_shards(int threads) {
    ExtractionOptions options;
    options.threads = threads;
    options.shards.clips = 4;
    options.max_bad = 0;
    return options;
  }

  ExtractionReport extract(const std::string& cache, const FeatureFunction& function) {
    return extract(cache, function, small_shards());
  }
  ExtractionReport extract(const std::string& cache, const FeatureFunction& function,
                           const ExtractionOptions& options) {
    FeatureCache features(caches_ / cache, function, listener_);
    return extract_features(features, function, utterances_, options, listener_);
  }
  std::filesystem::path key_folder(const std::string& cache) const {
    for (const auto& entry : std::filesystem::directory_iterator(caches_ / cache)) {
      return entry.path();
    }
    return {};
  }
  /// Name and bytes of everything in the cache.
  std::map<std::string, std::string> files(const std::string& cache) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(key_folder(cache))) {
      all[entry.path().filename().string()] = read_bytes(entry.path());
    }
    return all;
  }
  /// The cached rows of every utterance are those of a computation without a cache.
  void expect_right_features(const std::string& cache, const FeatureFunction& function) {
    const FeatureCache features(caches_ / cache, function, listener_);
    Context context;
    for (const auto& clip : utterances_) {
      const auto cached = features.find(clip.content);
      ASSERT_TRUE(cached) << clip.id;
      EXPECT_EQ(cached->error, "");
      const auto signal = test::load_mono(clip.path, function.sample_rate, function.decode);
      ASSERT_EQ(cached->samples, static_cast<Index>(signal.size()));
      Array<float> rows({function.rows(cached->samples), function.dims()});
      function.extract(context, {signal.data(), {cached->samples}},
                       Ragged(std::span<const Index>(&cached->samples, 1)), rows.view());
      ASSERT_EQ(cached->rows.shape(), rows.shape());
      EXPECT_TRUE(std::equal(rows.span().begin(), rows.span().end(), cached->rows.data()))
          << clip.id;
    }
  }

  TemporaryFolder sounds_, caches_;
  std::vector<Utterance> utterances_;
  ExtractionListener listener_;
};

}  // namespace serenade::test
