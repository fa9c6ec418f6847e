#include "pipeline/corpus/corpus.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "pipeline/corpus/split.h"
#include "tests/support/error_of.h"
#include "tests/support/ravdess.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using test::write_bytes;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Corpus read(const fs::path& folder, CorpusOptions options = {}, int threads = 2) {
  options.path = folder.string();
  Context context(threads);
  Observer observer;
  return read_corpus(context, options, observer);
}

std::string error_of(const fs::path& folder, const CorpusOptions& options = {}) {
  return test::error_of([&] { read(folder, options); });
}

/// A file of RAVDESS's shape; the reader looks at its name and its bytes only.
void put(const TemporaryFolder& folder, const std::string& name, const std::string& bytes) {
  write_bytes(folder / name, bytes);
}

std::vector<std::string> ids(const Corpus& corpus) {
  std::vector<std::string> all;
  for (const auto& utterance : corpus.utterances) all.push_back(utterance.id);
  return all;
}

TEST(Corpus, ReadsATreeInTheOrderOfIds) {
  const TemporaryFolder folder;
  test::write_ravdess_tree(folder.path(), {.actors = 2});
  const Corpus corpus = read(folder.path());
  EXPECT_EQ(corpus.name, "ravdess");
  ASSERT_EQ(corpus.utterances.size(), 120U);
  EXPECT_THAT(corpus.labels, ElementsAre("neutral", "calm", "happy", "sad", "angry", "fearful",
                                         "disgust", "surprised"));
  EXPECT_THAT(corpus.notes, IsEmpty());
  const auto all = ids(corpus);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  const auto& first = corpus.utterances.front();
  EXPECT_EQ(first.id, "03-01-01-01-01-01-01");
  EXPECT_EQ(first.speaker, "01");
  EXPECT_EQ(first.label, "neutral");
  EXPECT_EQ(first.fields.at("sex"), "male");
  EXPECT_EQ(first.content, hash_file(first.path));
  EXPECT_EQ(corpus.class_of(corpus.utterances.back()), 7);
  Utterance stranger = first;
  stranger.label = "bored";
  EXPECT_THROW(corpus.class_of(stranger), DataError);
}

TEST(Corpus, FindsEveryFormatInAnyCaseAndPassesOverTheRest) {
  const TemporaryFolder folder;
  put(folder, "03-01-01-01-01-01-01.wav", "a");
  put(folder, "deep/er/03-01-02-01-01-01-01.FLAC", "b");
  put(folder, "03-01-03-01-01-01-01.Ogg", "c");
  put(folder, "03-01-04-01-01-01-01.mp3", "d");
  put(folder, "03-01-05-01-01-01-01.aiff", "e");
  put(folder, "._03-01-06-01-01-01-01.wav", "resource fork");
  put(folder, ".hidden/03-01-06-01-01-01-01.wav", "f");
  put(folder, "README.txt", "text");
  put(folder, "recording.wav", "no name");
  put(folder, "03-01-06-01-01-01-01 (1).wav", "a copy");
  put(folder, "Video/01-01-06-01-01-01-01.mp4", "film");
  put(folder, "Video/02-01-06-01-01-01-01.mp4", "film");
  put(folder, "01-01-06-01-01-01-01.wav", "taken from the film");
  put(folder, "03-02-06-01-01-01-01.wav", "song");
  const Corpus corpus = read(folder.path());
  EXPECT_THAT(ids(corpus),
              ElementsAre("03-01-01-01-01-01-01", "03-01-02-01-01-01-01", "03-01-03-01-01-01-01",
                          "03-01-04-01-01-01-01", "03-01-05-01-01-01-01"));
  EXPECT_THAT(corpus.labels, ElementsAre("neutral", "calm", "happy", "sad", "angry"));
  EXPECT_THAT(
      corpus.notes,
      ElementsAre(HasSubstr("1 file is left out: of song, and corpus.channel is speech"),
                  AllOf(HasSubstr("1 file is left out: sound taken from the videos"),
                        HasSubstr("(01-01-06-01-01-01-01.wav)")),
                  AllOf(HasSubstr("2 files are left out, because the name is none of RAVDESS"),
                        HasSubstr("recording.wav"), HasSubstr("looks like 03-01-06")),
                  HasSubstr("2 files of .mp4 are left out")));
}

TEST(Corpus, ChoosesTheChannel) {
  const TemporaryFolder folder;
  test::write_ravdess_tree(folder.path(), {.actors = 1, .song = true});
  EXPECT_EQ(read(folder.path()).utterances.size(), 60U);
  const Corpus song = read(folder.path(), {.channel = Channel::song});
  EXPECT_EQ(song.utterances.size(), 44U);
  EXPECT_THAT(song.labels, ElementsAre("neutral", "calm", "happy", "sad", "angry", "fearful"));
  EXPECT_EQ(read(folder.path(), {.channel = Channel::both}).utterances.size(), 104U);
}

TEST(Corpus, SaysWhatIsThereWhenNothingFits) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(folder / "missing"), HasSubstr("missing: no such folder; corpus.path"));
  EXPECT_THAT(error_of(folder.path()),
              AllOf(HasSubstr("no recording of a known data set"), HasSubstr("RAVDESS: 03-01-06"),
                    HasSubstr("EMO-DB: 03a01Fa.wav"), HasSubstr("SAVEE: DC_a01.wav")));
  EXPECT_THAT(error_of(folder.path(), {.reader = Reader::ravdess}),
              AllOf(HasSubstr("no RAVDESS recording"), HasSubstr("looks like 03-01-06")));
  put(folder, "file.wav", "x");
  EXPECT_THAT(error_of(folder / "file.wav"), HasSubstr("is not a folder"));
  EXPECT_THAT(error_of(folder.path()), HasSubstr("1 file with a sound's extension"));
  EXPECT_THAT(error_of(folder.path(), {.reader = Reader::ravdess}),
              AllOf(HasSubstr("1 file with a sound's extension"), HasSubstr("file.wav"),
                    HasSubstr("looks like")));
  put(folder, "03-02-01-01-01-01-01.wav", "song");
  EXPECT_THAT(error_of(folder.path()), HasSubstr("1 file is left out: of song"));
  EXPECT_THROW(read(""), ConfigError);
}

TEST(Corpus, LinksInCirclesEndAndLinkedFilesCountOnce) {
  const TemporaryFolder folder;
  put(folder, "data/03-01-01-01-01-01-01.wav", "a");
  put(folder, "data/sub/03-01-02-01-01-01-01.wav", "b");
  fs::create_directory_symlink(folder / "data", folder / "data/sub/up");
  fs::create_directory_symlink(folder / "data", folder / "again");
  fs::create_symlink(folder / "data/03-01-01-01-01-01-01.wav",
                     folder / "data/sub/03-01-01-01-01-01-01.wav");
  const Corpus corpus = read(folder.path());
  EXPECT_THAT(ids(corpus), ElementsAre("03-01-01-01-01-01-01", "03-01-02-01-01-01-01"));
  EXPECT_THAT(corpus.notes, IsEmpty());
}

TEST(Corpus, LeavesOutWhatCannotBeReadUpToALimit) {
  const TemporaryFolder folder;
  test::write_ravdess_tree(folder.path(), {.actors = 1});
  write_bytes(folder / "Actor_01/03-01-01-01-01-01-01.wav", "");
  write_bytes(folder / "Actor_01/03-01-02-01-01-01-01.wav", "");  // another label, the same bytes
  fs::remove(folder / "Actor_01/03-01-03-01-01-01-01.wav");
  fs::create_symlink(folder / "nowhere", folder / "Actor_01/03-01-03-01-01-01-01.wav");
  const Corpus corpus = read(folder.path());
  EXPECT_EQ(corpus.utterances.size(), 57U);
  EXPECT_THAT(corpus.notes,
              ElementsAre(AllOf(HasSubstr("3 files cannot be read and are left out"),
                                HasSubstr("03-01-01-01-01-01-01.wav: is empty (0 bytes)"),
                                HasSubstr("03-01-03-01-01-01-01.wav: "))));
  ASSERT_EQ(corpus.left_out.size(), 3U);
  EXPECT_EQ(corpus.left_out[0].id, "03-01-01-01-01-01-01");
  EXPECT_EQ(corpus.left_out[0].path, folder / "Actor_01/03-01-01-01-01-01-01.wav");
  EXPECT_THAT(corpus.left_out[0].reason, HasSubstr("01.wav: is empty (0 bytes)"));
  EXPECT_THAT(error_of(folder.path(), {.max_bad = 0.04}),
              AllOf(HasSubstr("3 of 60 recordings cannot be read"), HasSubstr("corpus.max_bad")));
}

TEST(Corpus, AnUnlistableFolderIsNoted) {
  const TemporaryFolder folder;
  put(folder, "03-01-01-01-01-01-01.wav", "a");
  put(folder, "closed/03-01-02-01-01-01-01.wav", "b");
  fs::permissions(folder / "closed", fs::perms::none);
  fs::permissions(folder.path(), fs::perms::all);
  const bool is_root = ::geteuid() == 0;  // who may list every folder
  constexpr uid_t nobody = 65534;
  if (is_root && ::seteuid(nobody) != 0) GTEST_SKIP() << "root may list every folder";
  const Corpus corpus = read(folder.path(), {.max_bad = 0.5});
  const std::string refusal = error_of(folder.path(), {.max_bad = 0.49});
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  fs::permissions(folder / "closed", fs::perms::owner_all);
  const std::string reason = (folder / "closed").string() + ": cannot be listed";
  EXPECT_THAT(corpus.notes, ElementsAre(HasSubstr(reason)));
  ASSERT_EQ(corpus.left_out.size(), 1U);
  EXPECT_EQ(corpus.left_out[0].path, folder / "closed");
  EXPECT_EQ(corpus.left_out[0].reason, reason);
  EXPECT_THAT(refusal, AllOf(HasSubstr("1 of 2 recordings cannot be read"), HasSubstr(reason)));
}

TEST(Corpus, WhatIsNamedLikeASoundAndNoFileIsNoted) {
  const TemporaryFolder folder;
  put(folder, "03-01-01-01-01-01-01.wav", "a");
  put(folder, "folder.wav/03-01-02-01-01-01-01.wav", "b");
  ASSERT_EQ(::mkfifo((folder / "03-01-03-01-01-01-01.wav").c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo((folder / "pipe.txt").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder / "null.flac");
  const Corpus corpus = read(folder.path());
  EXPECT_THAT(ids(corpus), ElementsAre("03-01-01-01-01-01-01", "03-01-02-01-01-01-01"));
  EXPECT_THAT(corpus.notes,
              ElementsAre("3 named like a sound are no file but a pipe, a device or a folder: "
                          "03-01-03-01-01-01-01.wav, folder.wav, null.flac"));
}

TEST(Corpus, AMirrorOfEveryClipIsFound) {
  const TemporaryFolder folder;
  test::write_ravdess_tree(folder.path(), {.actors = 1});
  test::write_ravdess_tree(folder / "audio_speech_actors_01-24", {.actors = 1});
  const Corpus together = read(folder.path());
  const auto all = ids(together);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 120U);
  EXPECT_THAT(all, AllOf(Contains("03-01-05-02-01-02-01"), Contains("03-01-05-02-01-02-01#2")));
  EXPECT_THAT(together.notes,
              ElementsAre(AllOf(HasSubstr("60 of 120 recordings are byte-identical copies"),
                                HasSubstr("copies stay together"))));
  EXPECT_FALSE(together.duplicates_apart);

  const Corpus first = read(folder.path(), {.duplicates = Duplicates::first});
  EXPECT_EQ(first.utterances.size(), 60U);
  ASSERT_EQ(first.left_out.size(), 60U);
  EXPECT_THAT(first.left_out[0].id, HasSubstr("#2"));
  EXPECT_THAT(first.left_out[0].reason, HasSubstr(": is a copy of "));
  EXPECT_THAT(ids(first), testing::Not(Contains(HasSubstr("#"))));
  EXPECT_THAT(error_of(folder.path(), {.duplicates = Duplicates::error}),
              AllOf(HasSubstr("60 of 120"), HasSubstr("03-01-01-01-01-01-01#2"),
                    HasSubstr("and 55 more"), HasSubstr("corpus.duplicates is error")));
  const Corpus allow = read(folder.path(), {.duplicates = Duplicates::allow});
  EXPECT_EQ(allow.utterances.size(), 120U);
  EXPECT_TRUE(allow.duplicates_apart);
  EXPECT_THAT(allow.notes, ElementsAre(HasSubstr("look better than it is")));
}

TEST(Corpus, OneContentUnderTwoNamesOfOneLabelIsADuplicate) {
  const TemporaryFolder folder;  // as actor 07 of the release has it
  put(folder, "03-01-03-01-02-01-07.wav", "same");
  put(folder, "03-01-03-01-02-02-07.wav", "same");
  put(folder, "03-01-04-01-02-02-07.wav", "other");
  EXPECT_THAT(read(folder.path()).notes,
              ElementsAre(AllOf(HasSubstr("1 of 3 recordings is a byte-identical copy"),
                                HasSubstr("03-01-03-01-02-01-07 = 03-01-03-01-02-02-07"))));
  EXPECT_THAT(ids(read(folder.path(), {.duplicates = Duplicates::first})),
              ElementsAre("03-01-03-01-02-01-07", "03-01-04-01-02-02-07"));
}

TEST(Corpus, ContradictionsAreErrorsThatNameBothFiles) {
  const TemporaryFolder folder;
  put(folder, "one/03-01-03-01-02-01-07.wav", "a");
  put(folder, "two/03-01-03-01-02-01-07.wav", "b");
  EXPECT_THAT(error_of(folder.path()), AllOf(HasSubstr("one/03-01"), HasSubstr("two/03-01"),
                                             HasSubstr("different contents")));
  const TemporaryFolder labels;
  put(labels, "03-01-03-01-02-01-07.wav", "a");
  put(labels, "03-01-04-01-02-01-07.wav", "a");
  for (const auto policy : {Duplicates::together, Duplicates::first, Duplicates::allow}) {
    EXPECT_THAT(
        error_of(labels.path(), {.duplicates = policy}),
        AllOf(HasSubstr("03-01-03-01-02-01-07.wav and"), HasSubstr("03-01-04-01-02-01-07.wav"),
              HasSubstr("'happy'"), HasSubstr("'sad'")));
  }
  const TemporaryFolder speakers;
  put(speakers, "03-01-03-01-02-01-07.wav", "a");
  put(speakers, "03-01-03-01-02-01-08.wav", "a");
  EXPECT_THAT(error_of(speakers.path()), AllOf(HasSubstr("speaker '07'"), HasSubstr("'08'")));
}

TEST(Corpus, DoesNotDependOnFoldersOrThreads) {
  const TemporaryFolder one;
  const TemporaryFolder two;
  test::write_ravdess_tree(one.path(), {.actors = 2});
  int number = 0;
  for (const auto& path : test::write_ravdess_tree(two / "tmp", {.actors = 2})) {
    const auto target = two / fmt::format("{}/x", ++number * 7919 % 13);
    fs::create_directories(target);
    fs::rename(path, target / path.filename());
  }
  const Corpus a = read(one.path(), {}, 1);
  const Corpus b = read(two.path(), {}, 3);
  ASSERT_EQ(ids(a), ids(b));
  for (std::size_t i = 0; i < a.utterances.size(); ++i) {
    EXPECT_EQ(a.utterances[i].content, b.utterances[i].content);
  }
}

TEST(Corpus, ReportsProgressFromTheCallingThread) {
  class Listener : public Observer {
   public:
    void begin(std::string_view task, Index count, std::string_view unit) override {
      EXPECT_EQ(task, "read");
      EXPECT_EQ(unit, "files");
      total = count;
    }
    void advance(Index count, double seconds, std::string_view detail) override {
      EXPECT_GT(count, done);
      EXPECT_EQ(seconds, 0);
      EXPECT_TRUE(detail.empty());
      done = count;
    }
    void end() override { EXPECT_EQ(done, total); }
    Index total = 0;
    Index done = 0;
  };
  const TemporaryFolder folder;
  test::write_ravdess_tree(folder.path(), {.actors = 2});
  Context context(2);
  Listener listener;
  CorpusOptions options;
  options.path = folder.path().string();
  read_corpus(context, options, listener);
  EXPECT_EQ(listener.done, 120);
}

TEST(Corpus, ReadsTheRealRecordings) {
  const char* folder = test::ravdess_folder();
  if (folder == nullptr) GTEST_SKIP() << "SERENADE_RAVDESS names no RAVDESS folder";
  const Corpus corpus = read(folder);
  std::set<std::string> speakers;
  for (const auto& utterance : corpus.utterances) speakers.insert(utterance.speaker);
  EXPECT_EQ(corpus.utterances.size(), 60 * speakers.size());
  if (speakers.contains("07")) {
    EXPECT_THAT(corpus.notes, Contains(HasSubstr("03-01-03-01-02-01-07 = 03-01-03-01-02-02-07")));
  }
  const Split split = make_split(corpus, {}, 1);
  EXPECT_EQ(split.folds.front().test().size(), (corpus.utterances.size() + 3) / 4);
}

}  // namespace
}  // namespace serenade
