#include <gmock/gmock.h>

#include <sys/stat.h>

#include <map>
#include <set>

#include "pipeline/corpus/corpus.h"
#include "pipeline/corpus/split.h"
#include "tests/support/corpora.h"
#include "tests/support/error_of.h"
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

Corpus read(const CorpusOptions& options) {
  Context context(2);
  Observer observer;
  return read_corpus(context, options, observer);
}

std::string error_of(const CorpusOptions& options) {
  return test::error_of([&] { read(options); });
}

/// A RAVDESS tree and an EMO-DB tree.
struct TwoTrees {
  TwoTrees() {
    test::write_ravdess_tree(folder / "r", {.actors = 2});
    test::write_emodb_tree(folder / "e");
    options.path = (folder / "r").string();
    options.more = {{.path = (folder / "e").string()}};
  }
  TemporaryFolder folder;
  CorpusOptions options;
};

TEST(SeveralCorpora, HaveIdsAndSpeakersOfTheirOwn) {
  const TwoTrees trees;
  const Corpus corpus = read(trees.options);
  EXPECT_EQ(corpus.name, "ravdess + emodb");
  ASSERT_EQ(corpus.utterances.size(), 176U);
  EXPECT_EQ(corpus.utterances.front().id, "emodb/03a01Aa");
  EXPECT_EQ(corpus.utterances.front().speaker, "emodb/03");
  EXPECT_EQ(corpus.utterances.front().fields.at("corpus"), "emodb");
  EXPECT_EQ(corpus.utterances.back().speaker, "ravdess/02");
  EXPECT_THAT(corpus.labels, ElementsAre("neutral", "calm", "happy", "sad", "angry", "fearful",
                                         "disgust", "surprised", "bored"));
  EXPECT_THAT(corpus.notes,
              ElementsAre("ravdess: 120 files, speakers: 2", "emodb: 56 files, speakers: 2",
                          HasSubstr("ravdess has no recording that is bored;"),
                          HasSubstr("emodb has no recording that is calm, surprised;")));
  // Grouped splits know the repetitions of both.
  const Split split = make_split(corpus, {.protocol = Protocol::random_grouped}, 1);
  EXPECT_THAT(split_csv(corpus, split), HasSubstr("\nemodb/03a01Aa,"));
  EXPECT_THROW(make_split(corpus, {.protocol = Protocol::emobox}, 1), ConfigError);
}

TEST(SeveralCorpora, NameWhatTheyLeaveOutAsWhatTheyKeep) {
  TwoTrees trees;
  trees.options.more.front().title = "berlin";
  trees.options.duplicates = Duplicates::first;
  write_bytes(trees.folder / "r/Actor_01/03-01-02-01-01-01-01.wav", "");
  write_bytes(trees.folder / "e/wav/03a01Fa.wav", "");
  write_bytes(trees.folder / "e/wav/take two.wav", "of nobody knows whom");
  fs::copy_file(trees.folder / "e/wav/03a01Fb.wav", trees.folder / "e/wav/03b10Fb.wav",
                fs::copy_options::overwrite_existing);
  const Corpus corpus = read(trees.options);
  using Cause = LeftOut::Cause;
  std::map<std::string, Cause> left_out;
  for (const LeftOut& clip : corpus.left_out) {
    left_out[clip.id] = clip.cause;
    EXPECT_THAT(clip.reason, testing::StartsWith(clip.path.string()));
  }
  EXPECT_EQ(left_out,
            (std::map<std::string, Cause>{{"ravdess/03-01-02-01-01-01-01", Cause::unreadable},
                                          {"berlin/03a01Fa", Cause::unreadable},
                                          {"berlin/take two", Cause::unlabelled},
                                          {"berlin/03b10Fb", Cause::copy}}));
  EXPECT_EQ(corpus.left_out.size(), 4U);
  // A list of parts may name them.
  write_bytes(trees.folder / "parts.csv",
              "id,part\nberlin/03a01Na,training\nberlin/03a01Fa,training\n"
              "berlin/take two,training\nberlin/08a01Na,test\n");
  SplitOptions options;
  options.protocol = Protocol::listed;
  options.validation = 0;
  options.file = (trees.folder / "parts.csv").string();
  EXPECT_THAT(make_split(corpus, options, 1).notes,
              Contains(HasSubstr("2 rows of the list name recordings")));
}

TEST(SeveralCorpora, AreReportedByTitlesAndPaths) {
  TwoTrees trees;
  const Corpus both = read(trees.options);
  trees.options.title = "actors";  // of the first of them alone
  EXPECT_EQ(reported_name(both, trees.options), "ravdess + emodb");
  EXPECT_EQ(reported_path(trees.options),
            (trees.folder / "r").string() + ", " + (trees.folder / "e").string());
  trees.options.more.clear();
  EXPECT_EQ(reported_name(read(trees.options), trees.options), "actors");
  EXPECT_EQ(reported_path(trees.options), (trees.folder / "r").string());
}

TEST(SeveralCorpora, AloneKeepsItsIds) {
  TwoTrees trees;
  trees.options.more.clear();
  const Corpus corpus = read(trees.options);
  EXPECT_EQ(corpus.name, "ravdess");
  EXPECT_EQ(corpus.utterances.front().id, "03-01-01-01-01-01-01");
  EXPECT_EQ(corpus.utterances.front().fields.at("corpus"), "ravdess");
}

TEST(SeveralCorpora, EachHasItsLabelMap) {
  TwoTrees trees;
  trees.options.labels = {{"calm", "neutral"}, {"surprised", std::nullopt}};
  trees.options.more.front().labels = {{"bored", std::nullopt}};
  const Corpus corpus = read(trees.options);
  EXPECT_THAT(corpus.labels, ElementsAre("neutral", "happy", "sad", "angry", "fearful", "disgust"));
  EXPECT_EQ(corpus.utterances.size(), 176U - 16 - 8);
  EXPECT_THAT(corpus.notes, Contains("emodb: 8 files of 'bored' are left out (corpus.labels)"));
  trees.options.more.front().labels = {{"calm", "neutral"}};  // which only the other has
  EXPECT_THAT(error_of(trees.options), HasSubstr("'calm' is no emotion of emodb"));
}

TEST(SeveralCorpora, OfOneNameNeedTitles) {
  TwoTrees trees;
  test::write_emodb_tree(trees.folder / "second");
  for (auto& path : fs::recursive_directory_iterator(trees.folder / "second")) {
    // Other recordings: a byte more.
    if (path.is_regular_file()) write_bytes(path.path(), test::read_bytes(path.path()) + " ");
  }
  trees.options.more.push_back({.path = (trees.folder / "second").string()});
  EXPECT_THAT(error_of(trees.options), HasSubstr("two corpora are called 'emodb'"));
  trees.options.more.back().title = "again";
  const Corpus corpus = read(trees.options);
  EXPECT_EQ(corpus.name, "ravdess + emodb + again");
  EXPECT_EQ(corpus.utterances.front().id, "again/03a01Aa");
}

TEST(SeveralCorpora, FindCopiesAcross) {
  const TwoTrees trees;
  CorpusOptions options = trees.options;
  const auto e = trees.folder / "e/wav";
  write_bytes(trees.folder / "list.csv",
              "file,speaker,emotion\ne/wav/03a01Na.wav,x,neutral\ne/wav/03a01Fa.wav,x,happy\n");
  options.more.push_back({.path = (trees.folder / "list.csv").string()});
  EXPECT_THAT(error_of(options),
              AllOf(HasSubstr("2 recordings are in more than one corpus"),
                    HasSubstr("csv/e/wav/03a01Fa.wav = emodb/03a01Fa"), HasSubstr("first")));
  options.duplicates = Duplicates::error;
  EXPECT_THAT(error_of(options), HasSubstr("corpus.duplicates is error"));
  options.duplicates = Duplicates::first;
  EXPECT_EQ(read(options).utterances.size(), 176U);
  // One recording with two emotions is an error, whatever is done with copies.
  write_bytes(trees.folder / "list.csv", "file,speaker,emotion\ne/wav/03a01Na.wav,x,sad\n");
  EXPECT_THAT(error_of(options), AllOf(HasSubstr("'neutral'"), HasSubstr("'sad'")));
}

TEST(CorpusManifest, MissingFilesAreBadClips) {
  const TemporaryFolder folder;
  std::string text = "file,speaker,emotion\n";
  for (int i = 0; i < 19; ++i) {
    const std::string name = "clip" + std::to_string(i) + ".wav";
    write_bytes(folder / name, name);
    text += name + "," + std::to_string(i % 3) + (i % 2 == 0 ? ",angry\n" : ",sad\n");
  }
  write_bytes(folder / "manifest.csv", text + "missing.wav,1,sad\n");
  CorpusOptions options;
  options.path = folder.path().string();
  const Corpus corpus = read(options);
  EXPECT_EQ(corpus.name, "csv");
  EXPECT_EQ(corpus.utterances.size(), 19U);
  EXPECT_THAT(corpus.notes, ElementsAre(AllOf(HasSubstr("1 file cannot be read"),
                                              HasSubstr("missing.wav: No such file"))));
  // A pipe that nobody writes to is no file, and must not be waited for.
  ASSERT_EQ(::mkfifo((folder / "pipe.wav").c_str(), 0600), 0);
  write_bytes(folder / "manifest.csv", text + "missing.wav,1,sad\npipe.wav,1,sad\n");
  EXPECT_THAT(error_of(options), AllOf(HasSubstr("2 of 21 recordings cannot be read"),
                                       HasSubstr("pipe.wav: is not a file")));
}

}  // namespace
}  // namespace serenade
