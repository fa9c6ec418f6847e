#include <gmock/gmock.h>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

using test::Outcome;
using test::SerenadeProgram;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Usage, AMisspeltCommandIsNamedWithItsNearest) {
  const SerenadeProgram program;
  const Outcome misspelt = program.serenade({"evalute", "runs/small"});
  EXPECT_EQ(misspelt.status, 2);
  EXPECT_THAT(misspelt.err, StartsWith("'evalute' is no command (did you mean 'evaluate'?); "
                                       "there are run, extract, train, evaluate, "));
  EXPECT_THAT(program.serenade({"run"}).err, HasSubstr("config is required"));
}

TEST(Usage, EvaluateNamesItsReport) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade({"run", "small.yaml"}).status, 0);
  EXPECT_THAT(program.serenade({"evaluate", "runs/small"}).err,
              HasSubstr("report: runs/small/report.html\n"));
}

}  // namespace
}  // namespace serenade
