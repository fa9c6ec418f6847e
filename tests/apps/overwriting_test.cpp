#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::read_bytes;
using test::SerenadeProgram;
using test::write_bytes;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> one_epoch = {"run", "small.yaml", "training.epochs=1"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(SeveralSeeds, DoNotMakeMoreTestClips) {
  const SerenadeProgram program;
  const Outcome one = program.serenade(with(one_epoch, {"name=one"}));
  EXPECT_THAT(one.out, HasSubstr(": 30 test clips, 8 classes"));
  const Outcome two = program.serenade(with(one_epoch, {"seeds=[1, 2]"}));
  EXPECT_THAT(two.out, HasSubstr(": 30 test clips x 2 seeds, 8 classes"));
  const auto metrics = nlohmann::json::parse(program.bytes("metrics.json"));
  EXPECT_EQ(metrics["test_clips"], 30);
  EXPECT_EQ(metrics["pooled"]["clips"], 30);
  EXPECT_EQ(metrics["folds"][1]["clips"], 30);
  EXPECT_THAT(program.bytes("report.html"), HasSubstr("30 test clips x 2 seeds of"));
}

}  // namespace
}  // namespace serenade
