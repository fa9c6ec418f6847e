// Features of copies of recordings: their own cache, and made before trim and normalise.
#include <gmock/gmock.h>

#include <set>
#include <utility>

#include "pipeline/features/extractor.h"
#include "pipeline/features/signal.h"
#include "tests/pipeline/features/extraction_fixture.h"

namespace serenade::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CopyFeatures : public ExtractionTest {
 protected:
  static FeatureSpec spec() {
    FeatureSpec spec;
    spec.sample_rate = 8000;
    spec.n_fft = 256;
    spec.hop_length = 64;
    spec.extract = {RmsFeature{}};
    spec.trim = TrimOptions{};
    spec.normalise = Normalise::peak;
    return spec;
  }
  static CopyMaker maker() {
    CopyRecipe recipe;
    recipe.speed = Amount{0.7, 0.9};
    recipe.gain = Amount{-20, -10};
    recipe.noise = Amount{10, 20};
    return {recipe, 1, 3, 8000};
  }
};

TEST_F(CopyFeatures, HaveAKeyOfTheirOwn) {
  const FeatureExtractor extractor(spec());
  const std::string plain = cache_key_text(feature_function(extractor));
  std::set<std::string> keys{plain};
  CopyMaker other = maker();
  const auto key = [&] { return cache_key_text(feature_function(extractor, other)); };
  EXPECT_THAT(key(),
              AllOf(StartsWith(plain.substr(0, plain.size() - 1)),
                    HasSubstr("copy: {speed: [0.7, 0.9], gain: [-20, -10], noise: [10, 20]}"),
                    HasSubstr("seed 3, recipe 1")));
  keys.insert(key());
  other.seed = 4;
  keys.insert(key());
  other.number = 2;
  keys.insert(key());
  other.recipe.noise = Amount{10, 21};
  keys.insert(key());
  EXPECT_EQ(keys.size(), 5U);
}

TEST_F(CopyFeatures, AreThoseOfTheCopyTrimmedAndNormalised) {
  make_clips(9);
  const FeatureExtractor extractor(spec());
  const FeatureFunction function = feature_function(extractor, maker());
  extract("a", function);
  auto options = small_shards(3);
  options.shards.clips = 4;
  extract("b", function, options);
  EXPECT_EQ(files("a"), files("b"));

  const FeatureCache cached(caches_ / "a", function, listener_);
  Context context;
  for (const Utterance& clip : utterances_) {
    const auto sound = load_mono(clip.path, 8000, {});
    Signals signals{context.lend({static_cast<Index>(sound.size())}), {}};
    signals.samples.append(static_cast<Index>(sound.size()));
    std::copy(sound.begin(), sound.end(), signals.view().data());
    const FeatureSpec options_of = spec();
    const Signals heard = condition(
        context, options_of, maker()(context, std::move(signals), std::span(&clip.content, 1)));
    Array<float> rows({function.rows(heard.samples.total()), 1});
    extractor.extract(context, heard.view(), heard.samples, rows.view());
    const auto found = cached.find(clip.content);
    ASSERT_TRUE(found) << clip.id;
    EXPECT_EQ(found->samples, heard.samples.total());
    EXPECT_GT(found->samples, static_cast<Index>(sound.size()));
    ASSERT_EQ(found->rows.shape(), rows.shape());
    EXPECT_TRUE(std::equal(rows.span().begin(), rows.span().end(), found->rows.data())) << clip.id;
  }
}

}  // namespace
}  // namespace serenade::test
