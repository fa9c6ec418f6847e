#include "pipeline/features/cache.h"

#include <gmock/gmock.h>

#include "kernels/device/error.h"
#include "tests/pipeline/features/extraction_fixture.h"

namespace serenade::test {
namespace {

using testing::HasSubstr;

TEST_F(ExtractionTest, AnEmptyCacheKnowsNothingAndMakesNoFiles) {
  const auto function = block_features();
  const FeatureCache cache(caches_ / "none", function, listener_);
  EXPECT_FALSE(cache.contains({1, 2}));
  EXPECT_FALSE(cache.find({1, 2}));
  EXPECT_EQ(cache.error_of({1, 2}), "");
  EXPECT_FALSE(std::filesystem::exists(caches_ / "none"));
}

TEST_F(ExtractionTest, TheKeySaysWhatItStandsFor) {
  make_clips(1);
  const auto function = block_features();
  extract("a", function);
  const FeatureCache cache(caches_ / "a", function, listener_);
  EXPECT_EQ(read_bytes(cache.folder() / "key.txt"), cache.key_text());
  EXPECT_THAT(cache.key_text(), HasSubstr(audio_versions()));
  EXPECT_THAT(cache.key_text(), HasSubstr("{blocks: 64}"));
  EXPECT_THAT(cache.key_text(), HasSubstr("sample_rate: 8000"));
  EXPECT_EQ(cache.folder().filename(), to_string(hash_text(cache.key_text())));
}

TEST_F(ExtractionTest, AFolderThatIsAFileIsAnError) {
  make_clips(1);
  write_bytes(caches_ / "a", "a file");
  const auto function = block_features();
  EXPECT_THROW(extract("a", function), IoError);
}

TEST_F(ExtractionTest, AShardOfOtherOptionsIsNotUsed) {
  make_clips(6);
  const auto function = block_features();
  auto other = function;
  other.text = "{blocks: 65}";
  other.extract = [](Context&, Tensor<const float>, const Ragged&, Tensor<float> out) {
    std::fill_n(out.data(), out.size(), 0.0F);
  };
  extract("a", function);
  const auto whole = files("a");
  extract("b", other);
  for (const std::string name : {"shard-00000.h5", "shard-00000.xxh3"}) {
    std::filesystem::copy_file(key_folder("b") / name, key_folder("a") / name,
                               std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_EQ(extract("a", function).extracted, 4);
  EXPECT_THAT(listener_.warnings,
              testing::ElementsAre(HasSubstr("shard-00000.h5: holds features of other options")));
  EXPECT_EQ(files("a"), whole);
  expect_right_features("a", function);
}

TEST_F(ExtractionTest, ARenamedFolderIsRefusedAndKept) {
  make_clips(6);
  const auto function = block_features();
  auto other = function;
  other.text = "{blocks: 65}";
  extract("a", other);
  const auto whole = files("a");
  const auto old_name = key_folder("a");
  const auto new_name = FeatureCache(caches_ / "b", function, listener_).folder().filename();
  std::filesystem::rename(old_name, caches_ / "a" / new_name);
  try {
    extract("a", function);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr((caches_ / "a" / new_name / "key.txt").string()));
    EXPECT_THAT(error.what(), HasSubstr(old_name.filename().string()));
  }
  EXPECT_EQ(files("a"), whole);
  // A key that is no key at all is damage, which an extraction repairs.
  std::filesystem::rename(caches_ / "a" / new_name, old_name);
  write_bytes(old_name / "key.txt", "nothing");
  make_clips(1);
  EXPECT_EQ(extract("a", other).extracted, 1);
  EXPECT_EQ(files("a").at("key.txt"), whole.at("key.txt"));
}

TEST_F(ExtractionTest, ViewsStayWhereTheyAreWhileShardsAreAdded) {
  make_clips(3);
  const auto function = block_features();
  FeatureCache cache(caches_ / "a", function, listener_);
  extract_features(cache, function, utterances_, small_shards(), listener_);
  const auto before = cache.find(utterances_[0].content);
  const auto* clip = before->rows.data();
  make_clips(5);
  extract_features(cache, function, utterances_, small_shards(), listener_);
  EXPECT_EQ(cache.find(utterances_[0].content)->rows.data(), clip);
  for (const auto& each : utterances_) EXPECT_TRUE(cache.find(each.content));
}

TEST_F(ExtractionTest, ARealExtractorsRowsComeBackBitByBit) {
  make_clips(5);
  FeatureSpec spec;
  spec.sample_rate = 8000;
  spec.n_fft = 512;
  spec.hop_length = 128;
  MfccFeature mfcc;
  mfcc.n_mfcc = 13;
  mfcc.n_mels = 40;
  spec.extract = {mfcc, RmsFeature{}};
  spec.duration = 0.1;
  const FeatureExtractor extractor(spec);
  const auto function = feature_function(extractor);
  EXPECT_EQ(function.dims(), 14);
  EXPECT_EQ(extract("a", function).extracted, 5);
  expect_right_features("a", function);
  spec.extract = {RmsFeature{}};
  const FeatureExtractor other(spec);
  EXPECT_NE(FeatureCache(caches_ / "a", feature_function(other), listener_).folder(),
            FeatureCache(caches_ / "a", function, listener_).folder());
}

}  // namespace
}  // namespace serenade::test
