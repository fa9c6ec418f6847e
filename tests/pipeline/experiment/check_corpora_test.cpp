// What `check` says of several corpora and of manifests.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "pipeline/experiment/check.h"
#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::SmallExperiment;
using test::write_bytes;
using test::write_sound;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Findings = std::multimap<std::string, std::string>;

/// Every finding: its kind and the recording's id.
Findings findings(const CheckReport& report) {
  Findings found;
  for (const auto& kind : report.kinds) {
    for (const auto& one : kind.findings) found.emplace(kind.name, one.id);
  }
  return found;
}

std::vector<std::string> names(const std::vector<CheckedGroup>& groups) {
  std::vector<std::string> all;
  for (const auto& group : groups) all.push_back(group.name);
  return all;
}

TEST(CheckSeveralCorpora, NamesTheCorpusOfEveryFinding) {
  SmallExperiment small(1);
  const fs::path emodb = small.folder / "emodb";
  test::write_emodb_tree(emodb);  // one of them in stereo
  write_bytes(small.clips[9], "");
  write_bytes(emodb / "wav/03a01Wa.wav", "no sound");
  write_bytes(emodb / "wav/rehearsal.wav", "of nobody knows whom");
  write_sound(emodb / "wav/08a01Ta.wav", std::vector<float>(3200, 0.0F), 16'000);
  fs::copy_file(emodb / "wav/08a01Fa.wav", emodb / "wav/08a01Fb.wav",
                fs::copy_options::overwrite_existing);
  const auto more = fmt::format(
      "corpus.more=[{{path: {}, title: berlin, labels: {{bored: null}}}}]", emodb.string());
  const CheckReport report = check_experiment(small.config({more}), small.context, small.listener);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.corpus, "ravdess + berlin");
  EXPECT_EQ(report.path, (small.folder / "corpus").string() + ", " + emodb.string());
  Findings found = findings(report);
  // The smaller of the corpora has the odd rate, in every clip.
  EXPECT_EQ(found.erase("odd_rate"), 47U);
  EXPECT_THAT(found,
              UnorderedElementsAre(
                  Pair("unreadable", "berlin/03a01Wa"),
                  Pair("empty", "ravdess/" + small.clips[9].stem().string()),
                  Pair("unlabelled", "berlin/rehearsal"), Pair("silent", "berlin/08a01Ta"),
                  Pair("duplicates", "berlin/08a01Fb"), Pair("odd_channels", "berlin/03a01Fa")));
  EXPECT_EQ(report.clips, 59 + 47);
  EXPECT_THAT(names(report.speakers), ElementsAre("berlin/03", "berlin/08", "ravdess/01"));
  EXPECT_THAT(names(report.classes), ElementsAre("neutral", "calm", "happy", "sad", "angry",
                                                 "fearful", "disgust", "surprised"));
  ASSERT_TRUE(report.leakage);
  EXPECT_EQ(report.leakage->overall.statement_unknown, 0);
  EXPECT_THAT(report.notes, Contains(HasSubstr("berlin has no recording that is calm, surprised")));
  EXPECT_THAT(check_text(report), HasSubstr("berlin/rehearsal: "));
}

TEST(CheckSeveralCorpora, HoldsTheRulesOfARun) {
  SmallExperiment small(1);
  test::write_emodb_tree(small.folder / "emodb");
  const auto problems = [&](const std::string& more) {
    return check_experiment(small.config({"corpus.more=[" + more + "]"}), small.context,
                            small.listener)
        .problems;
  };
  EXPECT_THAT(problems(fmt::format("{{path: {}}}", (small.folder / "absent").string())),
              ElementsAre(HasSubstr("absent: no such folder")));
  fs::copy_file(small.clips[0], small.folder / "emodb/wav/03a01Na.wav",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(problems(fmt::format("{{path: {}}}", (small.folder / "emodb").string())),
              ElementsAre(HasSubstr("recordings are in more than one corpus")));
}

TEST(CheckSeveralCorpora, HoldsEachToMaxBadByItself) {
  SmallExperiment small(1);
  test::write_emodb_tree(small.folder / "emodb");
  for (std::size_t i = 0; i < 4; ++i) write_bytes(small.clips[i], "");
  // 4 of 60 are too many of one corpus, and would be few of both.
  const auto config =
      small.config({fmt::format("corpus.more=[{{path: {}}}]", (small.folder / "emodb").string())});
  const std::string run_says = test::refusal([&] { extract(config, small.workplace()); });
  EXPECT_THAT(run_says, HasSubstr("4 of 60 recordings cannot be read"));
  EXPECT_THAT(check_experiment(config, small.context, small.listener).problems,
              ElementsAre(HasSubstr("4 of 60 recordings of ravdess cannot be read")));
}

TEST(CheckCorpus, HoldsMaxBadOverCopiesThatAreLeftOut) {
  SmallExperiment small(1);
  for (std::size_t i = 0; i < 5; ++i) write_bytes(small.clips[i], "");
  fs::create_directories(small.folder / "corpus/again");
  for (std::size_t i = 5; i < small.clips.size(); ++i) {
    fs::copy_file(small.clips[i], small.folder / "corpus/again" / small.clips[i].filename());
  }
  // 5 of 115: few, and of the 60 that a mirror leaves too many.
  const auto config = small.config({"corpus.duplicates=first"});
  EXPECT_EQ(extract(config, small.workplace()).utterances, 55);
  EXPECT_THAT(check_experiment(config, small.context, small.listener).problems, IsEmpty());
}

/// A manifest of one actor's clips, half of them of each of two emotions.
class CheckManifest : public testing::Test {
 protected:
  void write(const std::string& more_lines) const {
    std::string text = "file,speaker,emotion\n";
    for (std::size_t i = 0; i < small_.clips.size(); ++i) {
      text += fmt::format("{},voice {},{}\n", file(i), i % 4, i % 2 == 0 ? "pride" : "doubt");
    }
    write_bytes(small_.folder / "list.csv", text + more_lines);
  }
  std::string file(std::size_t clip) const {
    return fs::relative(small_.clips[clip], small_.folder.path()).string();
  }
  CheckReport check(std::vector<std::string> words = {}) {
    words.push_back("corpus.path=" + (small_.folder / "list.csv").string());
    return check_experiment(small_.config(words), small_.context, small_.listener);
  }
  SmallExperiment small_{1};
};

TEST_F(CheckManifest, NamesFilesAsTheyAreWritten) {
  write_sound(small_.clips[7], test::noisy_sine(100, 300, 8000, 1), 8000);
  write_sound(small_.folder / "more/a.wav", test::noisy_sine(1600, 300, 8000, 2), 8000);
  write("gone.wav,voice 1,pride\n./more/a.wav,voice 2,\nmore/absent.wav,voice 3,\n");
  const CheckReport report = check();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.corpus, "csv");
  EXPECT_EQ(report.path, (small_.folder / "list.csv").string());
  EXPECT_THAT(findings(report),
              UnorderedElementsAre(Pair("unreadable", "gone.wav"), Pair("too_short", file(7)),
                                   Pair("unlabelled", "more/a.wav"),
                                   Pair("unlabelled", "more/absent.wav")));
  EXPECT_EQ(report.clips, 60);
  EXPECT_THAT(names(report.classes), ElementsAre("doubt", "pride"));
  EXPECT_THAT(names(report.speakers), ElementsAre("voice 0", "voice 1", "voice 2", "voice 3"));
  ASSERT_TRUE(report.leakage);
  EXPECT_EQ(report.leakage->overall.statement_unknown, report.leakage->overall.test_clips);
  EXPECT_THAT(check_text(report), AllOf(HasSubstr("more/a.wav: has no emotion on line 63 of"),
                                        HasSubstr("csv: 60 clips of 4 speakers")));
  EXPECT_EQ(check({"corpus.title=mine", "corpus.labels={doubt: unsure}"}).corpus, "mine");
  // As many are left out of a run.
  EXPECT_EQ(extract(small_.config({"corpus.path=" + (small_.folder / "list.csv").string()}),
                    small_.workplace())
                .utterances,
            60);
}

TEST_F(CheckManifest, ThatIsNotWellFormedIsAProblem) {
  write("more/a.wav,voice 1\n");
  EXPECT_THAT(check().problems,
              ElementsAre(AllOf(HasSubstr("list.csv, line 62"), HasSubstr("2 fields"))));
  write("");
  for (std::size_t i = 0; i < 4; ++i) fs::remove(small_.clips[i]);
  const CheckReport report = check();
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("4 of 60 recordings cannot be read")));
  EXPECT_EQ(findings(report).count("unreadable"), 4U);
  EXPECT_EQ(report.clips, 56);
}

}  // namespace
}  // namespace serenade
