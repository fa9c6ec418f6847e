#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/apps/program_fixture.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::expect_failure;
using test::Outcome;
using test::SerenadeProgram;
using test::write_bytes;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// What a check says in words and as JSON, which are to agree on how it ends.
struct Checked {
  Outcome words;
  nlohmann::json json;
};

Checked check(const SerenadeProgram& program, int status, std::vector<std::string> words = {}) {
  words.insert(words.begin(), {"check", "small.yaml"});
  Checked checked{program.serenade(words), {}};
  words.emplace_back("--json");
  const Outcome json = program.serenade(words);
  EXPECT_EQ(checked.words.status, status) << checked.words.err;
  EXPECT_EQ(json.status, status) << json.err;
  checked.json = nlohmann::json::parse(json.out, nullptr, false);
  EXPECT_FALSE(checked.json.is_discarded()) << json.out;
  EXPECT_EQ(checked.json["ok"], status == 0);
  EXPECT_EQ(checked.json["problems"].empty(), status == 0);
  // A check that finds something has not failed.
  EXPECT_THAT(checked.words.err, Not(HasSubstr("error: ")));
  EXPECT_THAT(json.err, Not(HasSubstr("error: ")));
  return checked;
}

/// Ids that the JSON lists under a kind of finding.
std::vector<std::string> found(const nlohmann::json& json, const char* kind) {
  std::vector<std::string> ids;
  for (const auto& one : json["findings"][kind]["recordings"]) ids.push_back(one["id"]);
  return ids;
}

TEST(CheckCommand, ExitsWithZeroWhereNothingWouldStopARun) {
  const SerenadeProgram program;
  const Checked good = check(program, 0);
  EXPECT_THAT(good.words.out, AllOf(HasSubstr("ravdess: 120 clips of 2 speakers"),
                                    EndsWith("Nothing here would stop a run.\n")));
  EXPECT_EQ(good.json["clips"], 120);
  EXPECT_EQ(good.json["leakage_overall"]["same_speaker"], 30);
  // Nothing is written.
  EXPECT_FALSE(fs::exists(program.folder / "cache"));
  EXPECT_FALSE(fs::exists(program.folder / "runs"));

  // Findings that a run lives with.
  write_bytes(program.clips[3], "");
  write_bytes(program.clips[3].parent_path() / "03-01-09-01-01-01-01.wav", "no such emotion");
  const Checked odd = check(program, 0);
  EXPECT_EQ(found(odd.json, "empty"), std::vector<std::string>{program.clips[3].stem().string()});
  EXPECT_EQ(found(odd.json, "unlabelled"), std::vector<std::string>{"03-01-09-01-01-01-01"});
  EXPECT_THAT(odd.words.out,
              AllOf(HasSubstr("03-01-09-01-01-01-01.wav: its name is none of RAVDESS"),
                    EndsWith("Nothing here would stop a run.\n")));
  EXPECT_EQ(program.serenade({"extract", "small.yaml"}).status, 0);
}

TEST(CheckCommand, ExitsWithOneWhereARunWouldStopAndPrintsTheRest) {
  const SerenadeProgram program;
  const Checked absent = check(program, 1, {"corpus.path=absent"});
  EXPECT_THAT(absent.words.out,
              StartsWith("would stop a run: absent: no such folder; corpus.path "));
  EXPECT_THAT(absent.json["problems"][0], StartsWith("absent: no such folder; corpus.path "));
  expect_failure(program.serenade({"extract", "small.yaml", "corpus.path=absent"}), 1,
                 "absent: no such folder");

  const Checked split = check(program, 1, {"split.protocol=loso"});
  EXPECT_THAT(split.words.out, AllOf(HasSubstr("120 clips of 2 speakers"),
                                     HasSubstr("would stop a run: "), HasSubstr("loso needs")));
  EXPECT_THAT(split.words.out, Not(HasSubstr("Nothing here")));
  EXPECT_EQ(split.json["clips"], 120);
  EXPECT_FALSE(split.json.contains("leakage_overall"));

  for (int i = 0; i < 7; ++i) write_bytes(program.clips[i], fmt::format("no sound, {}", i));
  const Checked bad = check(program, 1);
  EXPECT_THAT(bad.words.out, HasSubstr("7 of 120 recordings cannot be decoded"));
  EXPECT_EQ(found(bad.json, "unreadable").size(), 7U);
  EXPECT_THAT(check(program, 0, {"corpus.max_bad=0.06"}).words.out, HasSubstr("113 clips"));
}

TEST(CheckCommand, ExitsWithTwoWhereItIsUsedWrongly) {
  const SerenadeProgram program;
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"check"}, {"check", "small.yaml", "--jason"}, {"check", "small.yaml", "--force"}}) {
    const Outcome outcome = program.serenade(words);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_NE(outcome.err, "");
  }
  for (const char* json : {"--json", "--quiet"}) {  // no half JSON either
    expect_failure(program.serenade({"check", "absent.yaml", json}), 2, "absent.yaml");
    expect_failure(program.serenade({"check", "small.yaml", "corpus.pat=x", json}), 2, "'path'");
    expect_failure(program.serenade({"check", "small.yaml", "corpus.path=''", json}), 2,
                   "corpus.path is not set");
    expect_failure(program.serenade({"check", "small.yaml", "corpus.labels={clam: sad}", json}), 2,
                   "did you mean 'calm'?");
  }
  const Outcome help = program.serenade({"check", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.out,
              AllOf(HasSubstr("1 where something would stop a run"), HasSubstr("--json")));
}

TEST(CheckCommand, LooksAtSeveralCorporaAndManifests) {
  const SerenadeProgram program;
  test::write_emodb_tree(program.folder / "emodb");
  write_bytes(program.folder / "list.csv",
              "file,speaker,emotion\nemodb/wav/03a01Fa.wav,x,happy\nemodb/wav/03a01Na.wav,x,\n"
              "emodb/wav/08a01Wa.wav,y,angry\n");
  const Checked several = check(program, 0, {"corpus.more=[{path: emodb}]"});
  EXPECT_THAT(several.words.out, HasSubstr("ravdess + emodb: 176 clips of 4 speakers"));
  EXPECT_EQ(several.json["path"], "corpus, emodb");
  const Checked copies = check(program, 1, {"corpus.more=[{path: emodb}, {path: list.csv}]"});
  EXPECT_THAT(copies.words.out, HasSubstr("recordings are in more than one corpus"));
  const Checked manifest = check(program, 1, {"corpus.path=list.csv"});
  EXPECT_EQ(found(manifest.json, "unlabelled"), std::vector<std::string>{"emodb/wav/03a01Na.wav"});
  EXPECT_THAT(manifest.words.out, HasSubstr("03a01Na.wav: has no emotion on line 3 of list.csv"));
  EXPECT_EQ(manifest.json["clips"], 2);  // of two classes: no split can be made
}

}  // namespace
}  // namespace serenade
