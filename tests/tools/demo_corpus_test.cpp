#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdlib>
#include <set>
#include <string>

#include "pipeline/audio/decode.h"
#include "pipeline/corpus/corpus.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::read_bytes;
using test::TemporaryFolder;
using testing::HasSubstr;

struct Outcome {
  int status;
  std::string output;  ///< of both streams
};

Outcome demo_corpus(const TemporaryFolder& folder, const std::string& arguments) {
  const fs::path log = folder / "log.txt";
  const std::string command =
      fmt::format("'{}' {} >'{}' 2>&1", SERENADE_DEMO_CORPUS, arguments, log.string());
  const int status = std::system(command.c_str());  // NOLINT: arguments are this file's own
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_bytes(log)};
}

std::set<ContentHash> contents(const fs::path& folder) {
  Context context;
  Observer observer;
  CorpusOptions options;
  options.path = folder.string();
  options.duplicates = Duplicates::error;
  std::set<ContentHash> hashes;
  for (const auto& utterance : read_corpus(context, options, observer).utterances) {
    hashes.insert(utterance.content);
  }
  return hashes;
}

TEST(DemoCorpus, IsRavdessShapedAndDeterministic) {
  const TemporaryFolder folder;
  const auto made = [&](const std::string& name, const std::string& options) {
    const Outcome outcome =
        demo_corpus(folder, fmt::format("'{}' {}", (folder / name).string(), options));
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return contents(folder / name);
  };
  const auto first = made("a", "--actors 2");
  EXPECT_EQ(first.size(), 120U);  // all differ
  EXPECT_EQ(made("b", "--actors 2 --seed 1"), first);
  const auto other = made("c", "--actors 2 --seed 2");
  for (const auto& hash : other) EXPECT_FALSE(first.contains(hash));
  // A clip does not depend on how many speakers there are.
  const auto one = made("d", "--actors 1");
  EXPECT_EQ(one.size(), 60U);
  for (const auto& hash : one) EXPECT_TRUE(first.contains(hash));

  const Clip stereo = decode(folder / "a/Actor_01/03-01-02-01-01-02-01.wav");
  EXPECT_EQ(stereo.channels, 2);
  for (Index i = 0; i < stereo.frames(); ++i) {
    const auto left = static_cast<std::size_t>(2 * i);
    ASSERT_EQ(stereo.samples[left], stereo.samples[left + 1]);
  }
  const Clip clip = decode(folder / "a/Actor_02/03-01-05-02-02-01-02.wav");
  EXPECT_EQ(clip.channels, 1);
  EXPECT_GT(clip.seconds(), 0.5);
  EXPECT_LT(clip.seconds(), 6);
}

TEST(DemoCorpus, IsMadeOnceAndNeverOverOtherFiles) {
  const TemporaryFolder folder;
  const std::string target = fmt::format("'{}' --actors 1", (folder / "a").string());
  fs::create_directories(folder / "a.part/Actor_77");  // of a run that was stopped
  EXPECT_THAT(demo_corpus(folder, target).output, HasSubstr("holds 60 clips"));
  EXPECT_FALSE(fs::exists(folder / "a.part"));
  EXPECT_FALSE(fs::exists(folder / "a/Actor_77"));
  const auto time = fs::last_write_time(folder / "a/Actor_01/03-01-01-01-01-01-01.wav");
  const Outcome again = demo_corpus(folder, target);
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("has its 60 clips already"));
  EXPECT_EQ(fs::last_write_time(folder / "a/Actor_01/03-01-01-01-01-01-01.wav"), time);

  const Outcome other = demo_corpus(folder, target + " --seed 3");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.output, HasSubstr("made with other options"));
  test::write_bytes(folder / "a/Actor_01/03-01-01-01-01-01-01.wav", "damage");
  EXPECT_THAT(demo_corpus(folder, target).output, HasSubstr("does not hold what was made"));

  test::write_bytes(folder / "mine/thesis.txt", "precious");
  const Outcome foreign = demo_corpus(folder, fmt::format("'{}'", (folder / "mine").string()));
  EXPECT_EQ(foreign.status, 1);
  EXPECT_THAT(foreign.output, HasSubstr("is not empty"));
  EXPECT_EQ(read_bytes(folder / "mine/thesis.txt"), "precious");
}

TEST(DemoCorpus, WrongUseIsTwo) {
  const TemporaryFolder folder;
  EXPECT_EQ(demo_corpus(folder, "").status, 2);
  EXPECT_EQ(demo_corpus(folder, fmt::format("'{}' --actors 99", (folder / "a").string())).status,
            2);
  EXPECT_EQ(demo_corpus(folder, "--help").status, 0);
}

}  // namespace
}  // namespace serenade
