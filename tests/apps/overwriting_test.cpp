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

/// The bytes of every file of a run, by its name.
std::map<std::string, std::string> files_of(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file()) files[entry.path().string()] = read_bytes(entry.path());
  }
  return files;
}

const std::vector<std::string> one_epoch = {"run", "small.yaml", "training.epochs=1"};

std::vector<std::string> with(std::vector<std::string> words,
                              const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Overwriting, LeavesTheOldRunUntilTheNewOneIsKnownToBegin) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade(one_epoch).status, 0);
  const auto before = files_of(program.run_path());
  for (const std::string wrong :
       {"corpus.path=typo", "split.test_size=0.999", "model.layers=[{max_pool: {pool_size: 64}}]",
        "training.class_weights={clam: 2}"}) {
    for (const std::string command : {"run", "train"}) {
      const Outcome outcome = program.serenade({command, "small.yaml", "--force", wrong});
      EXPECT_NE(outcome.status, 0) << command << wrong;
      EXPECT_THAT(outcome.err, HasSubstr("error: ")) << command << wrong;
      EXPECT_TRUE(files_of(program.run_path()) == before) << command << wrong;
    }
  }
  const Outcome forced = program.serenade({"run", "small.yaml", "--force", "training.epochs=2"});
  EXPECT_EQ(forced.status, 0) << forced.err;
  EXPECT_THAT(program.bytes("metrics.csv"), HasSubstr("\n2,"));
  // What was told before the folder was the new run's is in its log, and nothing of the old run.
  const std::string log = program.bytes("log.txt");
  EXPECT_THAT(log, HasSubstr("training.epochs=2"));
  EXPECT_THAT(log, HasSubstr("/120 files"));
  EXPECT_THAT(log, Not(HasSubstr("training.epochs=1")));
}

TEST(Overwriting, SaysHowManyEpochsOfAnUnfinishedRunAreDropped) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade({"run", "small.yaml", "training.epochs=3"}).status, 0);
  for (const char* file : {"metrics.json", "environment.json", "model.safetensors"}) {
    fs::remove(program.run_path() / file);
  }
  const Outcome outcome = program.serenade({"run", "small.yaml", "seed=8", "training.epochs=3"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("is dropped with 3 epochs of training"));
}

TEST(FinishedRun, HasItsResults) {
  const SerenadeProgram program;
  const Outcome whole = program.serenade(one_epoch);
  ASSERT_EQ(whole.status, 0) << whole.err;
  const std::string model = program.bytes("model.safetensors");
  for (const char* file : {"metrics.json", "report.html", "predictions.csv"}) {
    for (const bool is_removed : {false, true}) {
      if (is_removed) {
        fs::remove(program.run_path() / file);
      } else {
        write_bytes(program.run_path() / file, "");
      }
      const Outcome again = program.serenade(one_epoch);
      EXPECT_EQ(again.status, 0) << again.err;
      EXPECT_EQ(again.out, whole.out) << file;
      EXPECT_GT(fs::file_size(program.run_path() / file), 100U) << file;
    }
  }
  EXPECT_TRUE(program.bytes("model.safetensors") == model);
  EXPECT_THAT(program.serenade(one_epoch).err, Not(HasSubstr("warning")));
  fs::remove(program.run_path() / "model.safetensors");
  const Outcome bare = program.serenade(one_epoch);
  EXPECT_THAT(bare.err, HasSubstr("warning: runs/small: 1 of its models is gone"));
}

TEST(FinishedRun, WarnsWhereItsCorpusHasChanged) {
  const SerenadeProgram program;
  ASSERT_EQ(program.serenade(one_epoch).status, 0);
  const auto finished = [&] {
    const Outcome outcome = program.serenade(one_epoch);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.err, HasSubstr("was finished"));
    return outcome.err;
  };
  EXPECT_THAT(finished(), Not(HasSubstr("warning")));
  fs::rename(program.clips[5], program.folder / "kept.wav");
  EXPECT_THAT(finished(), HasSubstr("warning: runs/small: clips of the corpus at corpus were"));
  fs::rename(program.folder / "kept.wav", program.clips[5]);
  EXPECT_THAT(finished(), Not(HasSubstr("warning")));
  fs::rename(program.folder / "corpus", program.folder / "moved");
  EXPECT_THAT(finished(), HasSubstr("can no longer be read as it was"));
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
  EXPECT_THAT(two.out, HasSubstr(": 30 test clips, 8 classes"));
  const auto metrics = nlohmann::json::parse(program.bytes("metrics.json"));
  EXPECT_EQ(metrics["test_clips"], 30);
  EXPECT_EQ(metrics["pooled"]["clips"], 60);  // of every seed
  EXPECT_EQ(metrics["folds"][1]["clips"], 30);
  EXPECT_THAT(program.bytes("report.html"),
              HasSubstr("30 test clips, 8 classes, scored once for each of 2 seeds"));
}

}  // namespace
}  // namespace serenade
