#include "pipeline/experiment/run_folder.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "kernels/device/error.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using State = RunFolder::State;
using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;

std::string refusal(const std::filesystem::path& path) {
  try {
    RunFolder::open(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(RunFolder, TellsHowFarARunCame) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "run");
  EXPECT_EQ(run.state(), State::empty);
  run.make();
  EXPECT_EQ(run.state(), State::empty);
  write_bytes(run.file(run_file::config), "x");
  EXPECT_EQ(run.state(), State::unfinished);
  write_bytes(run.file(run_file::environment), "x");
  EXPECT_EQ(run.state(), State::trained);
  write_bytes(run.file(run_file::metrics), "x");
  EXPECT_EQ(run.state(), State::trained) << "without the other results";
  write_bytes(run.file(run_file::predictions), "x");
  write_bytes(run.file(run_file::report), "");
  EXPECT_EQ(run.state(), State::trained) << "a report that is empty";
  write_bytes(run.file(run_file::report), "x");
  EXPECT_EQ(run.state(), State::finished);
}

TEST(RunFolder, CountsTheEpochsOfAllNetworks) {
  const TemporaryFolder folder;
  const RunFolder run(folder / "run");
  EXPECT_EQ(run.epochs_done(), 0U);
  write_bytes(folder / "run/fold-1/metrics.csv", "epoch,loss\n1,2\n2,1\n");
  write_bytes(folder / "run/fold-2/metrics.csv", "epoch,loss\n");
  write_bytes(folder / "run/fold-3/seed-4/metrics.csv", "epoch,loss\n1,2\n");
  EXPECT_EQ(run.epochs_done(), 3U);
}

TEST(RunFolder, OpensOnlyWhatIsTrained) {
  const TemporaryFolder folder;
  EXPECT_THAT(refusal(folder / "absent"), HasSubstr("no such run folder"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("no trained model"));
  const RunFolder run(folder / "run");
  write_bytes(run.file(run_file::config), "x");
  write_bytes(run.fold("fold-1", 2).file(run_file::best_model), "x");
  EXPECT_THAT(refusal(run.path()), HasSubstr("not finished"));
  write_bytes(run.file(run_file::environment), "x");
  EXPECT_EQ(refusal(run.path()), "");
}

TEST(RunFolder, FoldsComeInTheOrderOfTheirNumbers) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path());
  EXPECT_EQ(run.fold("fold-1", 1).path(), run.path());
  for (std::size_t k = 0; k < 11; ++k) {
    write_bytes(run.fold("fold-" + std::to_string(k + 1), 11).file(run_file::best_model), "x");
  }
  write_bytes(folder / "fold-x/model.safetensors", "x");
  write_bytes(folder / "fold-/model.safetensors", "x");
  const auto folds = run.trained_members();
  ASSERT_EQ(folds.size(), 11U);
  EXPECT_EQ(folds[1].path().filename(), "fold-2");
  EXPECT_EQ(folds[10].path().filename(), "fold-11");
}

TEST(RunFolder, IsClearedOfARunAndOfNothingElse) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path());
  for (const char* file : {"config.yaml", "metrics.json", "fold-1/model.safetensors",
                           "fold-2/model.safetensors", "fold-2/mine.txt", "notes.txt", "log.txt",
                           "split.csv.tmp-12", "fold-1/last.safetensors.tmp-12"}) {
    write_bytes(folder / file, "x");
  }
  run.clear();
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    left.push_back(entry.path().lexically_relative(folder.path()).string());
  }
  EXPECT_THAT(left, testing::UnorderedElementsAre("fold-2", "fold-2/mine.txt", "notes.txt"));
}

TEST(RunFolder, IsWrittenByOneProgramAtATime) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path());
  {
    const RunLock lock(run);
    EXPECT_THROW(RunLock{run}, IoError);
  }
  EXPECT_NO_THROW(RunLock{run});
}

TEST(RunFolder, SaysWhyItCannotBeMade) {
  const TemporaryFolder folder;
  write_bytes(folder / "file", "x");
  EXPECT_THROW(RunFolder(folder / "file").make(), IoError);
  EXPECT_THROW(RunFolder(folder / "file/run").make(), IoError);
  if (::geteuid() == 0) GTEST_SKIP() << "root may write into any folder";
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_read);
  EXPECT_THROW(RunFolder(folder / "run").make(), IoError);
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace serenade
