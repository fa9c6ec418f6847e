#include "pipeline/corpus/listing.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "kernels/device/error.h"
#include "tests/support/corpora.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::write_bytes;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Listing list(const fs::path& folder, Reader reader = Reader::automatic) {
  return list_recordings({.path = folder.string(), .reader = reader});
}

std::string error_of(const fs::path& folder, Reader reader = Reader::automatic) {
  return test::error_of([&] { list(folder, reader); });
}

std::map<std::string, int> count_by(const Listing& listing, std::string Utterance::*what) {
  std::map<std::string, int> counts;
  for (const auto& utterance : listing.utterances) ++counts[utterance.*what];
  return counts;
}

TEST(Listing, RecognisesEmodb) {
  const TemporaryFolder folder;
  test::write_emodb_tree(folder.path());
  const Listing listing = list(folder.path());
  EXPECT_EQ(listing.reader, Reader::emodb);
  EXPECT_THAT(listing.notes, IsEmpty());
  EXPECT_THAT(count_by(listing, &Utterance::speaker),
              ElementsAre(std::pair{"03", 28}, std::pair{"08", 28}));
  EXPECT_EQ(count_by(listing, &Utterance::label), (std::map<std::string, int>{{"angry", 8},
                                                                              {"bored", 8},
                                                                              {"disgust", 8},
                                                                              {"fearful", 8},
                                                                              {"happy", 8},
                                                                              {"neutral", 8},
                                                                              {"sad", 8}}));
}

TEST(Listing, RecognisesTessWithItsOddities) {
  const TemporaryFolder folder;
  test::write_tess_tree(folder.path());
  const Listing listing = list(folder.path());
  EXPECT_EQ(listing.reader, Reader::tess);
  EXPECT_THAT(listing.notes, IsEmpty());
  EXPECT_THAT(count_by(listing, &Utterance::speaker),
              ElementsAre(std::pair{"OAF", 28}, std::pair{"YAF", 28}));
  EXPECT_THAT(count_by(listing, &Utterance::id), Each(testing::Pair(testing::_, 1)));
  EXPECT_EQ(count_by(listing, &Utterance::label).at("surprised"), 8);
}

TEST(Listing, RecognisesCremaD) {
  const TemporaryFolder folder;
  test::write_crema_d_tree(folder.path());
  const Listing listing = list(folder.path());
  EXPECT_EQ(listing.reader, Reader::crema_d);
  EXPECT_THAT(listing.notes, IsEmpty());
  EXPECT_EQ(listing.utterances.size(), 72U);
  EXPECT_EQ(count_by(listing, &Utterance::speaker).at("1040"), 24);
}

TEST(Listing, RecognisesSaveeInFoldersAndFlat) {
  const TemporaryFolder folder;
  test::write_savee_tree(folder.path());
  const Listing listing = list(folder.path());
  EXPECT_EQ(listing.reader, Reader::savee);
  EXPECT_THAT(listing.notes, IsEmpty());
  EXPECT_THAT(count_by(listing, &Utterance::speaker),
              ElementsAre(std::pair{"DC", 21}, std::pair{"JE", 21}, std::pair{"JK", 21},
                          std::pair{"KL", 21}));
  EXPECT_EQ(count_by(listing, &Utterance::label).at("sad"), 12);
  EXPECT_EQ(count_by(listing, &Utterance::label).at("surprised"), 12);
  // Also where the speaker's folder itself is given.
  EXPECT_EQ(list(folder / "DC").utterances.size(), 21U);
  EXPECT_EQ(list(folder.path().string() + "/DC/").utterances.size(), 21U);
}

TEST(Listing, TheMajorityDecides) {
  const TemporaryFolder folder;
  write_bytes(folder / "03a01Fa.wav", "a");
  write_bytes(folder / "03a01Fb.wav", "b");
  write_bytes(folder / "1001_DFA_ANG_XX.wav", "c");
  const Listing listing = list(folder.path());
  EXPECT_EQ(listing.reader, Reader::emodb);
  EXPECT_THAT(listing.notes, ElementsAre(AllOf(HasSubstr("none of EMO-DB (1001_DFA_ANG_XX.wav)"),
                                               HasSubstr("03a01Fa.wav: speaker"))));
  ASSERT_EQ(listing.unlabelled.size(), 1U);
  EXPECT_EQ(listing.unlabelled[0].id, "1001_DFA_ANG_XX");
  EXPECT_EQ(listing.unlabelled[0].reason,
            (folder / "1001_DFA_ANG_XX.wav").string() + ": its name is none of EMO-DB");
  EXPECT_EQ(list(folder.path(), Reader::crema_d).utterances.size(), 1U);
}

TEST(Listing, ATieIsAnError) {
  const TemporaryFolder folder;
  write_bytes(folder / "03a01Fa.wav", "a");
  write_bytes(folder / "1001_DFA_ANG_XX.wav", "c");
  write_bytes(folder / "notes.wav", "d");
  EXPECT_THAT(error_of(folder.path()),
              AllOf(HasSubstr("3 files with a sound's extension"),
                    HasSubstr("ravdess 0, emodb 1, tess 0, crema-d 1, savee 0"),
                    HasSubstr("corpus.reader")));
  EXPECT_EQ(list(folder.path(), Reader::emodb).utterances.size(), 1U);
}

TEST(Listing, SaysWhatNamesLookLike) {
  const TemporaryFolder folder;
  write_bytes(folder / "notes.wav", "d");
  EXPECT_THAT(error_of(folder.path()),
              AllOf(HasSubstr("1 file with a sound's extension"), HasSubstr("TESS: OAF_back")));
  EXPECT_THAT(error_of(folder.path(), Reader::savee),
              AllOf(HasSubstr("no SAVEE recording"), HasSubstr("(notes.wav)"),
                    HasSubstr("looks like DC_a01.wav")));
}

}  // namespace
}  // namespace serenade
