#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "tests/pipeline/corpus/ravdess_corpus.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using test::error_of;
using test::parts_of;
using test::ravdess;
using test::speakers_of;
using test::TemporaryFolder;
using test::write_bytes;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A list of parts in a file, and the corpus of two actors that it divides.
class Listed : public testing::Test {
 protected:
  Split split(const std::string& text, double validation = 0.1) const {
    write_bytes(folder_ / "list.csv", text);
    return make_split(corpus_, options(validation), 1);
  }
  SplitOptions options(double validation = 0.1) const {
    SplitOptions listed;
    listed.protocol = Protocol::listed;
    listed.validation = validation;
    listed.file = (folder_ / "list.csv").string();
    return listed;
  }
  std::string error(const std::string& text) const {
    return error_of([&] { split(text); });
  }
  const std::string& id(std::size_t i) const { return corpus_.utterances[i].id; }

  Corpus corpus_ = ravdess(2);
  TemporaryFolder folder_;
};

TEST_F(Listed, PartsAreThoseOfTheFile) {
  std::string text = "part,comment,id\r\n";
  for (std::size_t i = 0; i < 120; ++i) {
    text += fmt::format("{},\"any, thing\",{}\r\n",
                        i % 10 == 0   ? "test"
                        : i % 10 == 1 ? "validation"
                                      : "training",
                        id(i));
  }
  const Split one = split("\xEF\xBB\xBF" + text + "\r\n");
  EXPECT_EQ(one.protocol, "listed");
  EXPECT_FALSE(one.speaker_independent);
  EXPECT_THAT(one.notes, IsEmpty());
  ASSERT_EQ(one.folds.size(), 1U);
  EXPECT_EQ(one.folds[0].name(), "fold-1");
  const auto parts = parts_of(corpus_, one.folds[0]);
  EXPECT_EQ(parts.size(), 120U);
  for (std::size_t i = 0; i < 120; ++i) {
    EXPECT_EQ(parts.at(id(i)), i % 10 == 0 ? "test" : i % 10 == 1 ? "validation" : "training");
  }
}

RC_GTEST_FIXTURE_PROP(Listed, ASplitCsvOfARunIsTheSameSplit, ()) {
  const Corpus corpus = ravdess(12);
  const auto names = enum_names(Protocol{});
  const auto number = *rc::gen::inRange<std::size_t>(0, names.size() - 1);  // listed is the last
  SplitOptions options;
  options.protocol = static_cast<Protocol>(number);
  const Split drawn = make_split(corpus, options, *rc::gen::arbitrary<std::uint64_t>());
  const std::string csv = split_csv(corpus, drawn);
  write_bytes(folder_ / "list.csv", csv);
  // In any order of the corpus and of the list's rows.
  Corpus shuffled = corpus;
  std::mt19937 shuffle(*rc::gen::arbitrary<unsigned>());
  std::shuffle(shuffled.utterances.begin(), shuffled.utterances.end(), shuffle);
  const Split listed = make_split(shuffled, this->options(), 99);
  RC_ASSERT(listed.speaker_independent == drawn.speaker_independent);
  RC_ASSERT(listed.folds.size() == drawn.folds.size());
  for (std::size_t k = 0; k < drawn.folds.size(); ++k) {
    RC_ASSERT(listed.folds[k].name() == drawn.folds[k].name());
    RC_ASSERT(parts_of(shuffled, listed.folds[k]) == parts_of(corpus, drawn.folds[k]));
  }
}

TEST_F(Listed, WrongRowsAreNamedByLine) {
  const std::string first = "id,part\n" + id(0) + ",training\n";
  const auto row = [&](std::size_t i, const char* part) { return id(i) + "," + part + "\n"; };
  EXPECT_THAT(error(first + "nobody,test\n"),
              AllOf(HasSubstr("list.csv, line 3: 'nobody' is no recording of the corpus"),
                    HasSubstr("such as '03-01-01-01-01-01-01'")));
  EXPECT_THAT(error(first + ",test\n"), HasSubstr("line 3: '' is no recording"));
  EXPECT_THAT(error(first + row(1, "train")), HasSubstr("line 3: part 'train' of " + id(1)));
  EXPECT_THAT(error(first + row(1, "")), HasSubstr("training, validation and test"));
  EXPECT_THAT(error(first + row(0, "test")), HasSubstr("line 3: " + id(0) + " stands in line 2"));
  EXPECT_THAT(error(first + id(1) + "\n"), HasSubstr("line 3: 1 fields where"));
  EXPECT_THAT(error("id,fold\n"), HasSubstr("line 1: the first line must name the columns id"));
  EXPECT_THAT(error("id,id,part\n"), HasSubstr("two columns are named id"));
  EXPECT_THAT(error(""), HasSubstr("line 1: is empty; the first line names the columns"));
  EXPECT_THAT(error("id,part\n"), HasSubstr("names no clip"));
  EXPECT_THAT(error(first), HasSubstr("fold-1 has no test clip in the list"));
  EXPECT_THAT(error("id,part\n" + row(0, "test") + row(1, "validation")),
              HasSubstr("no training clip"));
  EXPECT_THAT(error("id,content,part\n" + id(0) + ",00112233445566778899aabbccddeeff,test\n"),
              AllOf(HasSubstr("line 2: " + id(0) + " is another recording"),
                    HasSubstr(corpus_.utterances[0].path.string())));
}

TEST_F(Listed, NeedsItsFileAndOnlyItDoes) {
  SplitOptions none = options();
  none.file.clear();
  EXPECT_THROW(make_split(corpus_, none, 1), ConfigError);
  EXPECT_THROW(make_split(corpus_, options(), 1), IoError);
  SplitOptions forgotten = options();
  forgotten.protocol = Protocol::random;
  EXPECT_THAT(error_of([&] { make_split(corpus_, forgotten, 1); }),
              AllOf(HasSubstr("split.file is"), HasSubstr("protocol is random")));
}

TEST_F(Listed, SaysWhereValidationPartsAreDrawnThatItDoesNotName) {
  std::string text = "id,part\n";
  for (std::size_t i = 0; i < 120; ++i) {
    text += fmt::format("{},{}\n", id(i), i % 10 == 0 ? "test" : "training");
  }
  const auto drawn = HasSubstr("no validation part in 1 of 1 folds: split.validation (0.1)");
  EXPECT_THAT(split(text).notes, Contains(drawn));
  EXPECT_FALSE(split(text).folds[0].validation().empty());
  const Split as_listed = split(text, 0);
  EXPECT_THAT(as_listed.notes, IsEmpty());
  EXPECT_TRUE(as_listed.folds[0].validation().empty());
}

TEST_F(Listed, ClipsThatAreNotListedTakeNoPart) {
  const Split some =
      split(fmt::format("id,part\n{},training\n{},validation\n{},test\n", id(0), id(2), id(5)));
  EXPECT_EQ(parts_of(corpus_, some.folds[0]).size(), 3U);
  EXPECT_THAT(some.notes, Contains(AllOf(HasSubstr("take no part"), HasSubstr("117 in fold-1"))));
  const std::string csv = split_csv(corpus_, some);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
}

TEST_F(Listed, RowsOfUnusableRecordingsArePassedOver) {
  const std::string text =
      fmt::format("id,part\n{},training\n{},validation\n{},test\n", id(0), id(2), id(5));
  const std::string gone = id(2);
  std::erase_if(corpus_.utterances,
                [&](const Utterance& utterance) { return utterance.id == gone; });
  EXPECT_THAT(error(text), HasSubstr("line 3: '" + gone + "'"));
  corpus_.left_out.push_back({gone, gone + ".wav", gone + ".wav: is empty (0 bytes)"});
  EXPECT_THAT(split(text, 0).notes, Contains(HasSubstr("1 rows of the list name recordings")));
  // A second file of a name that is unreadable takes nothing from the first.
  corpus_.left_out.push_back({id(0), "mirror/x.wav", "mirror/x.wav: is empty (0 bytes)"});
  EXPECT_EQ(split(text, 0).folds[0].training().size(), 1U);
}

TEST_F(Listed, CopiesInTwoPartsAreRefusedNamingBothFiles) {
  corpus_.utterances[7].content = corpus_.utterances[3].content;
  const auto text = [&](const char* part) {
    return fmt::format("id,part\n{},training\n{},{}\n{},test\n", id(3), id(7), part, id(9));
  };
  for (const char* part : {"test", "validation"}) {
    EXPECT_THAT(error(text(part)),
                AllOf(HasSubstr(fmt::format("{}.wav (training, line 2)", id(3))),
                      HasSubstr(fmt::format("{}.wav ({}, line 3)", id(7), part)),
                      HasSubstr("byte for byte"), HasSubstr("corpus.duplicates")));
  }
  EXPECT_EQ(split(text("training"), 0).folds[0].training().size(), 2U);
  corpus_.duplicates_apart = true;
  EXPECT_EQ(split(text("test"), 0).folds[0].test().size(), 2U);
}

TEST_F(Listed, FoldsKeepTheirNumbersOrAreNumbered) {
  const auto folds = [&](const std::vector<std::string>& names) {
    std::string text = "id,fold,part\n";
    for (const auto& name : names) {
      text += fmt::format("{0},{2},training\n{1},{2},test\n", id(0), id(1), name);
    }
    const Split all = split(text, 0);
    std::vector<std::string> found;
    for (const auto& fold : all.folds) found.push_back(fold.name());
    for (const auto& note : all.notes) {
      if (note.starts_with("folds")) found.push_back(note);
    }
    return found;
  };
  EXPECT_THAT(folds({"fold-5", "fold-2"}), ElementsAre("fold-2", "fold-5"));
  EXPECT_THAT(folds({"10", "9"}), ElementsAre("fold-9", "fold-10"));
  // What is not a number from 1 up cannot name a folder of the run.
  EXPECT_THAT(folds({"1", "0"}),
              ElementsAre("fold-1", "fold-2", HasSubstr("fold-1 is '0', fold-2 is '1'")));
  EXPECT_THAT(folds({"../b", "a"}),
              ElementsAre("fold-1", "fold-2", HasSubstr("fold-1 is 'a', fold-2 is '../b'")));
  EXPECT_THAT(folds({"1", "fold-1"}), ElementsAre("fold-1", "fold-2", HasSubstr("is 'fold-1'")));
}

TEST_F(Listed, ValidationIsDrawnWhereNoneIsListed) {
  corpus_ = ravdess(6);
  corpus_.utterances[0].content = corpus_.utterances[12].content;  // of one speaker: see below
  ASSERT_NE(corpus_.utterances[0].speaker, "06");
  const auto text = [&](const auto& is_test) {
    std::string rows = "id,part\n";
    for (std::size_t i = 0; i < corpus_.utterances.size(); ++i) {
      rows += fmt::format("{},{}\n", id(i), is_test(i) ? "test" : "training");
    }
    return rows;
  };
  const auto speaker_6 = [&](std::size_t i) { return corpus_.utterances[i].speaker == "06"; };
  const Split apart = split(text(speaker_6), 0.3);
  EXPECT_TRUE(apart.speaker_independent);
  EXPECT_EQ(speakers_of(corpus_, apart.folds[0].validation()).size(), 2U);
  EXPECT_EQ(apart.folds[0].validation().size(), 120U);
  EXPECT_TRUE(split(text(speaker_6), 0).folds[0].validation().empty());

  const Split mixed = split(text([](std::size_t i) { return i % 4 == 3; }), 0.1);
  EXPECT_FALSE(mixed.speaker_independent);
  EXPECT_EQ(mixed.folds[0].validation().size(), 27U);  // of 270
  EXPECT_EQ(speakers_of(corpus_, mixed.folds[0].validation()).size(), 6U);
}

}  // namespace
}  // namespace serenade
