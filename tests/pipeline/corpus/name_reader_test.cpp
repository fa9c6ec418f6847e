#include "pipeline/corpus/name_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>

#include "pipeline/corpus/crema_d.h"
#include "pipeline/corpus/emodb.h"
#include "pipeline/corpus/emotions.h"
#include "pipeline/corpus/ravdess.h"
#include "pipeline/corpus/savee.h"
#include "pipeline/corpus/tess.h"

namespace serenade {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Pair;

std::string some_word(int number) {
  const std::string letters = "bcdfghjklm";
  return {letters.at(static_cast<std::size_t>(number / 10 % 10)), 'a',
          letters.at(static_cast<std::size_t>(number % 10))};
}

/// Every name that a data set may give its files, but for words and speakers without an end.
std::vector<std::string> legal_names(Reader reader) {
  std::vector<std::string> names;
  switch (reader) {
    case Reader::automatic:
    case Reader::csv:
      break;
    case Reader::ravdess:
      for (int i = 0; i < 3 * 2 * 8 * 2 * 2 * 2 * 99; ++i) {
        const int actor = i % 99;
        const int bits = i / 99;
        names.push_back(fmt::format("{:02}-{:02}-{:02}-{:02}-{:02}-{:02}-{:02}", bits / 128 + 1,
                                    bits / 64 % 2 + 1, bits / 8 % 8 + 1, bits / 4 % 2 + 1,
                                    bits / 2 % 2 + 1, bits % 2 + 1, actor + 1));
      }
      break;
    case Reader::emodb:
      for (int speaker = 1; speaker <= 99; ++speaker) {
        for (const char* text :
             {"a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10"}) {
          for (std::size_t emotion = 0; emotion < emodb_codes.size(); ++emotion) {
            for (const char version : {'a', 'b', 'z'}) {
              names.push_back(to_string(EmodbName{speaker, text, emotion, version}));
            }
          }
        }
      }
      break;
    case Reader::tess:
      for (std::size_t speaker = 0; speaker < tess_speakers.size(); ++speaker) {
        for (int word = 0; word < 100; ++word) {
          for (std::size_t emotion = 0; emotion < tess_codes.size(); ++emotion) {
            names.push_back(to_string(TessName{speaker, some_word(word), emotion}));
          }
        }
      }
      break;
    case Reader::crema_d:
      for (int speaker = 1001; speaker <= 1091; ++speaker) {
        for (std::size_t i = 0; i < 12 * 6 * 4; ++i) {
          names.push_back(to_string(CremaDName{speaker, i / 24, i / 4 % 6, i % 4}));
        }
      }
      break;
    case Reader::savee:
      for (std::size_t speaker = 0; speaker < savee_speakers.size(); ++speaker) {
        for (std::size_t emotion = 0; emotion < savee_codes.size(); ++emotion) {
          for (int sentence = 1; sentence <= (emotion == 0 ? 30 : 15); ++sentence) {
            names.push_back(to_string(SaveeName{speaker, emotion, sentence}));
          }
        }
      }
      break;
  }
  return names;
}

TEST(NameReader, EveryLegalNameIsReadBackAsItselfAndByNoOtherReader) {
  for (const NameReader& reader : name_readers()) {
    const auto names = legal_names(reader.reader);
    ASSERT_FALSE(names.empty()) << reader.title;
    std::set<std::string> labels;
    for (const auto& name : names) {
      for (const NameReader& other : name_readers()) {
        const auto recording = other.read("folder", name);
        ASSERT_EQ(recording.has_value(), other.reader == reader.reader)
            << name << " by " << other.title;
        if (!recording) continue;
        ASSERT_EQ(recording->id, name);
        ASSERT_FALSE(recording->speaker.empty());
        ASSERT_TRUE(recording->fields.contains("statement") &&
                    recording->fields.contains("language"))
            << name;
        ASSERT_EQ(recording->fields.at("emotion"), recording->label);
        labels.insert(recording->label);
      }
    }
    // What a reader says it gives is what it gives, in words that all corpora share.
    EXPECT_EQ(labels, std::set<std::string>(reader.emotions.begin(), reader.emotions.end()));
    for (const auto& label : labels) EXPECT_THAT(emotions, Contains(label)) << reader.title;
  }
}

TEST(NameReader, TheTableHasEveryReaderOnce) {
  std::set<Reader> readers;
  for (const NameReader& reader : name_readers()) {
    EXPECT_TRUE(readers.insert(reader.reader).second) << reader.title;
    // The help begins with a name that is understood.
    const std::string example(reader.help.substr(0, reader.help.find('.')));
    EXPECT_TRUE(reader.read("", example)) << reader.help;
  }
  EXPECT_EQ(readers.size(), enum_names(Reader()).size() - 2);
}

RC_GTEST_PROP(NameReader, RandomTextIsRefusedOrReadWhole, ()) {
  const auto stem = *rc::gen::arbitrary<std::string>();
  const auto folder = *rc::gen::arbitrary<std::string>();
  for (const NameReader& reader : name_readers()) {
    const auto recording = reader.read(folder, stem);
    if (recording) RC_ASSERT(reader.read("", recording->id).has_value());
  }
}

/// Texts near to legal ones get farther into a parser than random ones.
RC_GTEST_PROP(NameReader, ChangedNamesAreRefusedOrReadWhole, ()) {
  const auto& reader =
      *rc::gen::elementOf(std::vector<NameReader>(name_readers().begin(), name_readers().end()));
  auto name = *rc::gen::elementOf(legal_names(reader.reader));
  const auto changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, name.size() + 1);
    const auto c =
        *rc::gen::oneOf(rc::gen::character<char>(), rc::gen::elementOf(std::string("0_-/asuXDC")));
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        name.insert(at, 1, c);
        break;
      case 1:
        name.erase(std::min(at, name.size()), 1);
        break;
      default:
        if (at < name.size()) name[at] = c;
    }
  }
  for (const NameReader& one : name_readers()) {
    const auto recording = one.read("DC", name);
    if (!recording) continue;
    const auto again = one.read("", recording->id);
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->id == recording->id);
    RC_ASSERT(again->fields == recording->fields);
    RC_ASSERT(again->label == recording->label && again->speaker == recording->speaker);
  }
}

TEST(EmodbName, ReadsSpeakerTextEmotionVersion) {
  const auto recording = read_emodb_name("wav", "03a01Fa");
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->speaker, "03");
  EXPECT_EQ(recording->label, "happy");
  EXPECT_THAT(recording->fields,
              AllOf(Contains(Pair("statement", "a01")), Contains(Pair("repetition", "a")),
                    Contains(Pair("sex", "male")), Contains(Pair("language", "german"))));
  EXPECT_EQ(read_emodb_name("", "16b10Lb")->label, "bored");
  EXPECT_EQ(read_emodb_name("", "16b10Lb")->fields.at("sex"), "female");
  EXPECT_FALSE(read_emodb_name("", "20b10Lb")->fields.contains("sex"));
  const std::vector<std::pair<const char*, const char*>> letters{
      {"W", "angry"}, {"L", "bored"}, {"E", "disgust"}, {"A", "fearful"},
      {"F", "happy"}, {"T", "sad"},   {"N", "neutral"}};
  for (const auto& [letter, emotion] : letters) {
    EXPECT_EQ(read_emodb_name("", fmt::format("08b02{}c", letter))->label, emotion);
  }
  for (const char* text : {"", "03a01F", "03a01Fab", "00a01Fa", "03c01Fa", "03a00Fa", "03a01Ga",
                           "03a01fa", "03a01FA", "03a01F1", "3aa01Fa", "03A01Fa", "-3a01Fa"}) {
    EXPECT_FALSE(parse_emodb_name(text)) << text;
  }
}

TEST(TessName, ReadsSpeakerWordEmotion) {
  const auto recording = read_tess_name("OAF_Pleasant_surprise", "OAF_back_ps");
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->speaker, "OAF");
  EXPECT_EQ(recording->label, "surprised");
  EXPECT_THAT(recording->fields,
              AllOf(Contains(Pair("statement", "back")), Contains(Pair("sex", "female")),
                    Contains(Pair("age", "older"))));
  EXPECT_EQ(read_tess_name("", "YAF_back_fear")->label, "fearful");
  EXPECT_EQ(read_tess_name("", "YAF_back_fear")->fields.at("age"), "younger");
}

TEST(TessName, TakesTheMisspeltSpeakerAndAnyCase) {
  EXPECT_EQ(read_tess_name("OAF_neutral", "OA_bite_neutral")->id, "OAF_bite_neutral");
  EXPECT_EQ(read_tess_name("OAF_neutral", "OA_bite_neutral")->speaker, "OAF");
  EXPECT_EQ(read_tess_name("", "oaf_Back_ANGRY")->id, "OAF_back_angry");
  for (const char* text :
       {"", "OAF", "OAF_back", "OAF__angry", "OAF_back_angry_", "_OAF_back_angry", "AF_back_angry",
        "OAF_back_anger", "OAF_ba.ck_sad", "OAF_back1_sad", "O_back_sad", "OAFF_back_sad"}) {
    EXPECT_FALSE(parse_tess_name(text)) << text;
  }
  EXPECT_FALSE(parse_tess_name("OAF_" + std::string(33, 'a') + "_sad"));
}

TEST(CremaDName, ReadsSpeakerSentenceEmotionLevel) {
  const auto recording = read_crema_d_name("AudioWAV", "1001_DFA_ANG_XX");
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->speaker, "1001");
  EXPECT_EQ(recording->label, "angry");
  EXPECT_THAT(recording->fields,
              AllOf(Contains(Pair("statement", "Don't forget a jacket")),
                    Contains(Pair("intensity", "unspecified")), Contains(Pair("sex", "male"))));
  EXPECT_EQ(read_crema_d_name("", "1091_IEO_SAD_HI")->fields.at("sex"), "female");
  EXPECT_EQ(read_crema_d_name("", "1091_IEO_SAD_HI")->fields.at("intensity"), "high");
  EXPECT_FALSE(read_crema_d_name("", "1092_IEO_SAD_HI")->fields.contains("sex"));
  EXPECT_EQ(read_crema_d_name("", "1040_ITH_SAD_X")->id, "1040_ITH_SAD_XX");
  int female = 0;
  for (int speaker = 1001; speaker <= 1091; ++speaker) {
    const auto name = fmt::format("{}_IEO_SAD_LO", speaker);
    female += read_crema_d_name("", name)->fields.at("sex") == "female" ? 1 : 0;
  }
  EXPECT_EQ(female, 43);
  for (const char* text :
       {"", "1001_DFA_ANG", "1001_DFA_ANG_XX_", "1000_DFA_ANG_XX", "2000_DFA_ANG_XX",
        "01001_DFA_ANG_XX", "1001_ABC_ANG_XX", "1001_DFA_SUR_XX", "1001_DFA_ANG_ZZ",
        "1001_dfa_ANG_XX", "1001-DFA-ANG-XX", "10o1_DFA_ANG_XX"}) {
    EXPECT_FALSE(parse_crema_d_name(text)) << text;
  }
}

TEST(SaveeName, ReadsBothForms) {
  const auto recording = read_savee_name("AudioData", "DC_a01");
  ASSERT_TRUE(recording);
  EXPECT_EQ(recording->id, "DC_a01");
  EXPECT_EQ(recording->speaker, "DC");
  EXPECT_EQ(recording->label, "angry");
  EXPECT_THAT(recording->fields,
              AllOf(Contains(Pair("statement", "a01")), Contains(Pair("sex", "male"))));
  const auto in_folder = read_savee_name("kl", "sa15");
  ASSERT_TRUE(in_folder);
  EXPECT_EQ(in_folder->id, "KL_sa15");
  EXPECT_EQ(in_folder->label, "sad");
}

TEST(SaveeName, TellsSadFromSurprised) {
  const std::vector<std::pair<const char*, const char*>> codes{
      {"a", "angry"},   {"d", "disgust"}, {"f", "fearful"},   {"h", "happy"},
      {"n", "neutral"}, {"sa", "sad"},    {"su", "surprised"}};
  for (const auto& [code, emotion] : codes) {
    EXPECT_EQ(read_savee_name("", fmt::format("JE_{}09", code))->label, emotion);
    EXPECT_EQ(read_savee_name("JK", fmt::format("{}09", code))->label, emotion);
  }
  EXPECT_TRUE(parse_savee_name("DC_n30"));
  for (const char* text : {"", "DC", "DC_01", "DC_s01", "DC_a1", "DC_a16", "DC_a00", "DC_n31",
                           "DC_a001", "DCa01", "XX_a01", "DC-a01", "DC_sad01", "DC_aa01"}) {
    EXPECT_FALSE(parse_savee_name(text)) << text;
    EXPECT_FALSE(read_savee_name("folder", text)) << text;
  }
  EXPECT_FALSE(read_savee_name("folder", "a01"));
}

TEST(Emotions, AreTheOrderOfClasses) {
  EXPECT_THAT(in_class_order({"zeal", "bored", "angry", "Anger", "neutral"}),
              testing::ElementsAre("neutral", "angry", "bored", "Anger", "zeal"));
}

}  // namespace
}  // namespace serenade
