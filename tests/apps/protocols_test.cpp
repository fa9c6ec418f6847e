#include <gmock/gmock.h>

#include <filesystem>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::expect_failure;
using test::Outcome;
using test::SerenadeProgram;
using testing::HasSubstr;

TEST(ProtocolCommands, CrossvalPrintsOneTable) {
  const SerenadeProgram program;
  expect_failure(program.serenade({"crossval", "small.yaml"}), 2, "split.seeds: [1, 2, 3]");
  EXPECT_FALSE(fs::exists(program.folder / "runs"));
  const std::vector<std::string> words = {"crossval", "small.yaml", "split.seeds=[1, 2]",
                                          "training.epochs=2"};
  const Outcome outcome = program.serenade(words);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("mean over folds"));
  EXPECT_THAT(outcome.err, HasSubstr("table: runs/small/crossval.csv"));
  EXPECT_TRUE(program.has("crossval.json"));
  const Outcome again = program.serenade(words);
  EXPECT_EQ(again.status, 0);
  EXPECT_EQ(again.out, outcome.out);
  EXPECT_THAT(again.err, HasSubstr("was finished"));
}

TEST(ProtocolCommands, SweepRanksPointsAndItsBestRuns) {
  const SerenadeProgram program;
  expect_failure(program.serenade({"sweep", "small.yaml"}), 2, "there is no section sweep");
  const std::string grid = "sweep.grid={training.optimizer.learning_rate: [0.001, 0.05]}";
  expect_failure(program.serenade({"sweep", "small.yaml", grid, "sweep.judge=test_uar"}), 2,
                 "cannot judge a sweep");
  expect_failure(program.serenade({"sweep", "small.yaml", grid, "split.validation=0",
                                   "training.checkpoint.keep=last"}),
                 2, "judged by the validation part");
  EXPECT_FALSE(fs::exists(program.folder / "runs"));
  const Outcome outcome = program.serenade({"sweep", "small.yaml", grid});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("val_uar"));
  EXPECT_THAT(outcome.err, HasSubstr("serenade run runs/small/sweep/best.yaml"));
  EXPECT_THAT(program.bytes("sweep/log.txt"), HasSubstr("sweep small.yaml"));
  const Outcome again = program.serenade({"sweep", "small.yaml", grid});
  EXPECT_EQ(again.out, outcome.out);
  EXPECT_THAT(again.err, HasSubstr("2 of 2 points were trained before"));
  EXPECT_EQ(program.serenade({"run", "runs/small/sweep/best.yaml"}).status, 0);
  EXPECT_TRUE(fs::exists(program.folder / "runs/small-best/metrics.json"));
}

TEST(ProtocolCommands, CompareSetsRunsBesideEachOther) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade({"run", "small.yaml"}).status, 0);
  ASSERT_EQ(program.serenade({"run", "small.yaml", "name=longer", "training.epochs=8"}).status, 0);
  const Outcome table = program.serenade({"compare", "runs/small", "runs/longer"});
  EXPECT_EQ(table.status, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("McNemar"));
  EXPECT_THAT(program.serenade({"compare", "runs/small", "runs/longer", "--csv"}).out,
              HasSubstr("\nruns/longer,random,1,30,"));
  EXPECT_THAT(program.serenade({"compare", "runs/small", "runs/longer", "--json"}).out,
              HasSubstr("\"against_first\": null"));
  expect_failure(program.serenade({"compare", "runs/small"}), 2, "at least two runs");
  expect_failure(program.serenade({"compare", "runs/small", "runs/absent"}), 1, "runs/absent");
  EXPECT_EQ(program.serenade({"compare", "runs/small", "runs/longer", "--html", "x"}).status, 2);
  EXPECT_EQ(program.serenade({"compare", "runs/small", "--csv", "--json"}).status, 2);

  ASSERT_EQ(program.serenade({"run", "small.yaml", "name=grouped", "split.protocol=random-grouped"})
                .status,
            0);
  const Outcome page = program.serenade(
      {"compare", "--protocols", "runs/small", "runs/grouped", "--html", "protocols.html"});
  EXPECT_EQ(page.status, 0) << page.err;
  EXPECT_THAT(page.out, HasSubstr("random-grouped"));
  EXPECT_THAT(test::read_bytes(program.folder / "protocols.html"), HasSubstr("<svg"));
}

}  // namespace
}  // namespace serenade
