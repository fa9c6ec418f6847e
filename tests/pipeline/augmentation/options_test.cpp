#include "pipeline/augmentation/options.h"

#include <gmock/gmock.h>

#include "pipeline/config/yaml.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

using testing::HasSubstr;

AugmentationOptions parsed(const std::string& yaml) {
  AugmentationOptions options;
  read_options(ConfigNode::parse(yaml, "file.yaml"), options);
  return options;
}

std::string refusal(const std::string& yaml) {
  return test::error_of<ConfigError>([&] { parsed(yaml); });
}

TEST(AugmentationOptions, ReadNumbersAndRanges) {
  const auto options = parsed("copies:\n  - {noise: [15, 30], speed: 0.9}\n  - gain: -6\n");
  ASSERT_EQ(options.copies.size(), 2U);
  EXPECT_EQ(options.copies[0].speed, (Amount{0.9, 0.9}));
  EXPECT_EQ(options.copies[0].noise, (Amount{15, 30}));
  EXPECT_FALSE(options.copies[0].gain);
  EXPECT_EQ(options.copies[1].gain, (Amount{-6, -6}));
}

TEST(AugmentationOptions, AreWrittenInTheOrderOfTheOperationsAndReadBack) {
  const std::string text = option_text(parsed("copies: [{noise: 20, speed: [0.9, 1.1]}]"));
  EXPECT_THAT(text, testing::StartsWith("{copies: [{speed: [0.9, 1.1], noise: 20}], "));
  EXPECT_EQ(option_text(parsed(to_yaml(text))), text);
  EXPECT_THAT(option_text(AugmentationOptions{}), testing::StartsWith("{copies: [], "));
}

TEST(AugmentationOptions, RefusalsSayWhereAndWhatElse) {
  EXPECT_THAT(refusal("copies:\n  - {gain: 1}\n  - {speed: 9}"),
              AllOf(HasSubstr("file.yaml:3"), HasSubstr("speed"), HasSubstr("at most 4")));
  EXPECT_THAT(refusal("copies: [{speed: [0.1, 1]}]"), HasSubstr("at least 0.25"));
  EXPECT_THAT(refusal("copies: [{sped: 0.9}]"), HasSubstr("speed"));
  EXPECT_THAT(refusal("copies: [{}]"), HasSubstr("nothing is done to"));
  EXPECT_THAT(refusal("copies: [{gain: [1, 2, 3]}]"), HasSubstr("not 3"));
  EXPECT_THAT(refusal("copies: [{gain: [2, 1]}]"), HasSubstr("begins with 2"));
  EXPECT_THAT(refusal("copies: [{gain: loud}]"), HasSubstr("gain"));
}

TEST(AugmentationOptions, OnlyRangesAndNoiseDraw) {
  EXPECT_FALSE(draws(parsed("copies: [{speed: 0.9, gain: 3}]").copies[0]));
  EXPECT_TRUE(draws(parsed("copies: [{speed: [0.9, 1.1]}]").copies[0]));
  EXPECT_TRUE(draws(parsed("copies: [{noise: 20}]").copies[0]));
}

}  // namespace
}  // namespace serenade
