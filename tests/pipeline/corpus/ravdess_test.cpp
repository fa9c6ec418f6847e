#include "pipeline/corpus/ravdess.h"

#include <gmock/gmock.h>

namespace serenade {
namespace {

TEST(RavdessName, ReadsSevenFields) {
  const auto name = parse_ravdess_name("03-01-06-02-01-02-12");
  ASSERT_TRUE(name);
  const auto fields = ravdess_fields(*name);
  EXPECT_THAT(fields,
              testing::UnorderedElementsAre(
                  testing::Pair("modality", "audio-only"), testing::Pair("channel", "speech"),
                  testing::Pair("emotion", "fearful"), testing::Pair("intensity", "strong"),
                  testing::Pair("statement", "Kids are talking by the door"),
                  testing::Pair("repetition", "2"), testing::Pair("actor", "12"),
                  testing::Pair("sex", "female"), testing::Pair("language", "english")));
  EXPECT_EQ(ravdess_fields(*parse_ravdess_name("03-02-01-01-02-01-07")).at("sex"), "male");
  EXPECT_EQ(ravdess_fields(*parse_ravdess_name("03-02-08-01-02-01-07")).at("emotion"), "surprised");
}

TEST(RavdessName, RefusesEverythingElse) {
  for (const char* text :
       {"", "03", "03-01-06-02-01-02", "03-01-06-02-01-02-12-", "03-01-06-02-01-02-12 (1)",
        "03-01-09-02-01-02-12", "03-01-00-02-01-02-12", "04-01-06-02-01-02-12",
        "03-03-06-02-01-02-12", "03-01-06-03-01-02-12", "03-01-06-02-03-02-12",
        "03-01-06-02-01-03-12", "03-01-06-02-01-02-00", "03_01_06_02_01_02_12", "3-1-6-2-1-2-12",
        "03-01-0x-02-01-02-12", "+3-01-06-02-01-02-12"}) {
    EXPECT_FALSE(parse_ravdess_name(text)) << text;
  }
}

}  // namespace
}  // namespace serenade
