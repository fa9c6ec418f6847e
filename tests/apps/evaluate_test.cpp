#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/apps/program_fixture.h"
#include "tests/support/corpora.h"

namespace serenade {
namespace {

using test::expect_failure;
using test::Outcome;
using test::SerenadeProgram;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A text as one line: what is printed is wrapped.
std::string unwrapped(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == ' ';
    if (!space || !line.ends_with(' ')) line += space ? ' ' : c;
  }
  return line;
}

TEST(EvaluateCommand, OnAnotherCorpusWithItsLabels) {
  const SerenadeProgram program;
  test::write_emodb_tree(program.folder / "emodb");
  ASSERT_EQ(program.serenade({"run", "small.yaml", "training.epochs=1"}).status, 0);
  const auto evaluate = [&](std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"evaluate", "runs/small", "corpus.path=emodb"});
    return program.serenade(more);
  };
  const Outcome plain = evaluate();
  EXPECT_EQ(plain.status, 0) << plain.err;
  EXPECT_THAT(unwrapped(plain.out),
              AllOf(HasSubstr("protocol cross-corpus: 48 test clips of emodb, 6 of 8 classes"),
                    HasSubstr("8 clips of labels that the model does not know are left out: bored "
                              "(8)"),
                    HasSubstr("labels of the model that no clip here has: calm, surprised;")));

  expect_failure(evaluate(), 1, "on-emodb: holds results already");
  expect_failure(evaluate({"corpus.lables={}"}), 2, "'labels'");
  expect_failure(evaluate({"corpus.labels={bord: null}", "--force"}), 2, "did you mean 'bored'?");
  expect_failure(evaluate({"seed=3"}), 2, "seed");
  const Outcome mapped =
      evaluate({"corpus.labels={bored: calm, sad: null, happy: angry}", "--force"});
  EXPECT_EQ(mapped.status, 0) << mapped.err;
  EXPECT_THAT(unwrapped(mapped.out),
              AllOf(HasSubstr("cross-corpus: 48 test clips"),
                    HasSubstr("8 files of 'sad' are left out (corpus.labels)"),
                    HasSubstr("labels of the model that no clip here has: happy, sad, surprised;"),
                    Not(HasSubstr("the model does not know"))));
  // The folder says the same.
  const auto metrics = nlohmann::json::parse(program.bytes("on-emodb/metrics.json"));
  EXPECT_EQ(metrics["tested_on"], "emodb");
  EXPECT_EQ(metrics["test_clips"], 48);
  std::map<std::string, int> supports;
  for (const auto& one : metrics["pooled"]["per_class"]) {
    supports[one["label"].get<std::string>()] = one["support"].get<int>();
  }
  EXPECT_EQ(supports, (std::map<std::string, int>{{"neutral", 8},
                                                  {"calm", 8},
                                                  {"happy", 0},
                                                  {"sad", 0},
                                                  {"angry", 16},
                                                  {"fearful", 8},
                                                  {"disgust", 8},
                                                  {"surprised", 0}}));
  EXPECT_THAT(metrics["notes"].get<std::vector<std::string>>(),
              Contains(HasSubstr("8 files of 'sad' are left out")));
  EXPECT_THAT(
      program.bytes("on-emodb/report.html"),
      AllOf(HasSubstr("tested on"), HasSubstr("that no clip here has: happy, sad, surprised")));

  // What was heard in training is refused, and what stands there stays.
  const std::string before = program.bytes("on-emodb/metrics.json");
  expect_failure(program.serenade({"evaluate", "runs/small", "corpus.path=corpus",
                                   "corpus.title=emodb", "--force"}),
                 1, "recordings are among those that runs/small learned from");
  EXPECT_EQ(program.bytes("on-emodb/metrics.json"), before);
}

}  // namespace
}  // namespace serenade
