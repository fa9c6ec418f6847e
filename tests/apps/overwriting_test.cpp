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

TEST(MissingNetworks, AreNotAveragedOver) {
  const SerenadeProgram program(8);
  ASSERT_EQ(program
                .serenade(with(one_epoch,
                               {"split.protocol=emobox", "split.validation=0.2", "seeds=[3, 4]"}))
                .status,
            0);
  const std::string clip = program.clips[0].string();
  ASSERT_EQ(program.serenade({"predict", "runs/small", clip}).status, 0);
  const auto expect_refused = [&](const std::string& run, const std::string& missing) {
    const Outcome predicted = program.serenade({"predict", run, clip});
    EXPECT_EQ(predicted.status, 1);
    EXPECT_EQ(predicted.out, "");
    EXPECT_THAT(predicted.err, HasSubstr(missing));
  };
  const fs::path fold = program.run_path() / "fold-1", kept = program.folder / "kept";
  fs::rename(fold / "seed-4", kept);
  expect_refused("runs/small",
                 "1 of the run's networks is missing: "
                 "runs/small/fold-1/seed-4/model.safetensors");
  expect_refused("runs/small/fold-1", "fold-1/seed-4/model.safetensors");
  EXPECT_EQ(program.serenade({"predict", "runs/small/fold-1/seed-3", clip}).status, 0);
  EXPECT_EQ(program.serenade({"predict", "runs/small/fold-2", clip}).status, 0);
  const Outcome own = program.serenade({"evaluate", "runs/small"});
  EXPECT_EQ(own.status, 1);
  EXPECT_THAT(own.err, HasSubstr("fold-1/seed-4/model.safetensors"));
  const Outcome other = program.serenade({"evaluate", "runs/small", "corpus.path=corpus"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err, HasSubstr("fold-1/seed-4/model.safetensors"));
  fs::rename(kept, fold / "seed-4");
  fs::rename(fold, kept);
  expect_refused("runs/small",
                 "2 of the run's networks are missing: "
                 "runs/small/fold-1/seed-3/model.safetensors");
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
