#include "pipeline/corpus/protocol_text.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "kernels/device/error.h"
#include "pipeline/corpus/split.h"

namespace serenade {
namespace {

using ::testing::HasSubstr;

/// Ends of sentences: a full stop, then a space and a capital letter or the end.
std::size_t sentences(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool end =
        i + 1 == text.size() || (i + 2 < text.size() && text[i + 1] == ' ' &&
                                 std::isupper(static_cast<unsigned char>(text[i + 2])));
    count += text[i] == '.' && end ? 1 : 0;
  }
  return count;
}

TEST(ProtocolText, EveryProtocolIsExplainedInTwoSentences) {
  std::set<std::string> texts;
  for (const auto name : enum_names(Protocol{})) {
    const std::string text = protocol_text(name, 0.25);
    EXPECT_EQ(sentences(text), 2U) << name << ": " << text;
    EXPECT_EQ(text.find_first_of("{}"), std::string::npos) << text;
    texts.insert(text);
  }
  EXPECT_EQ(texts.size(), enum_names(Protocol{}).size());
  for (const auto* name : {"luna", "speaker-kfold", "loso", "listed"}) {
    EXPECT_EQ(sentences(protocol_text(name, 0.25)), 2U) << name;
  }
}

TEST(ProtocolText, SaysTheSharesWhereClipsAreDrawn) {
  EXPECT_THAT(protocol_text("random", 0.2), HasSubstr("20% for testing and 80% for training"));
  EXPECT_THAT(protocol_text("random-grouped", 0.125), HasSubstr("12.5% for testing"));
  EXPECT_THROW(protocol_text("hearsay", 0.25), ConfigError);
}

}  // namespace
}  // namespace serenade
