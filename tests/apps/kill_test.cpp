#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "kernels/device/philox.h"
#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::Program;
using test::read_bytes;
using test::SerenadeProgram;
using testing::HasSubstr;

void sleep_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// When the file was written; a time that no file has where there is none.
fs::file_time_type written(const fs::path& path) {
  std::error_code absent;
  return fs::last_write_time(path, absent);
}

/// Waits until the file is written again, as long as the program runs.
bool wait_for(const fs::path& path, fs::file_time_type before, Program& program) {
  while (written(path) == before) {
    if (!program.running()) return false;
    sleep_ms(1);
  }
  return true;
}

/// The cache's shards and what belongs to them, by name.
std::map<std::string, std::string> shards(const fs::path& cache) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(cache)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && entry.path().parent_path() != cache) {
      files[name] = read_bytes(entry.path());
    }
  }
  return files;
}

std::set<std::string> names(const fs::path& cache) {
  std::set<std::string> result;
  for (const auto& [name, bytes] : shards(cache)) result.insert(name);
  return result;
}

// Dearer features, so that extraction takes long enough to be killed.
constexpr const char* slow_yaml = R"(
features:
  sample_rate: 44100
  hop_length: 64
  extract: [mfcc, chroma_stft, spectral_contrast]
)";

using Both = std::array<std::unique_ptr<Program>, 2>;

Both extract_twice(const SerenadeProgram& program, const std::string& cache) {
  Both both;
  for (auto& one : both) {
    one = std::make_unique<Program>(
        program.folder.path(), SerenadeProgram::command({"extract", "small.yaml", "--cache", cache,
                                                         "--threads", "1", "--quiet"}));
  }
  return both;
}

/// How often the extraction is killed: SERENADE_KILLS, else few enough for everyday.
int kills() {
  const char* text = std::getenv("SERENADE_KILLS");
  return text != nullptr ? std::max(1, std::atoi(text)) : 10;
}

// Two programs at a time, one or both of them killed at a random moment of the time that a whole
// extraction takes; again and again in what the last ones left.
TEST(Killed, ExtractionsGoOnToTheSameShards) {
  const SerenadeProgram program(2, slow_yaml);
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_EQ(program.serenade({"extract", "small.yaml", "--cache", "whole"}).status, 0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto whole = shards(program.folder / "whole");
  const Philox random(2026);
  int killed = 0;
  for (int kill = 0; kill < kills(); ++kill) {
    const auto draws = random({static_cast<std::uint32_t>(kill), 0, 0, 0});
    Both both = extract_twice(program, "cache");
    sleep_ms(static_cast<int>(1000 * took.count() * draws[0] / 4294967296.0));
    both[0]->send(SIGKILL);
    if (draws[1] % 2 == 0) both[1]->send(SIGKILL);
    bool ended = false;
    for (auto& one : both) {
      const Outcome outcome = one->wait();
      ASSERT_TRUE(outcome.status == 0 || outcome.status == -SIGKILL) << outcome.err;
      killed += outcome.status == 0 ? 0 : 1;
      ended = ended || outcome.status == 0;
    }
    if (!ended) continue;
    // Nothing is left to interrupt. What the killed one left behind is removed by the next program.
    EXPECT_THAT(program.serenade({"extract", "small.yaml"}).out, HasSubstr("0 extracted now, 120"));
    EXPECT_EQ(names(program.folder / "cache"), names(program.folder / "whole"));
    EXPECT_TRUE(shards(program.folder / "cache") == whole);
    fs::remove_all(program.folder / "cache");
  }
  EXPECT_GE(killed, kills() / 2);
  RecordProperty("programs_killed", killed);
  const Outcome last = program.serenade({"extract", "small.yaml", "--threads", "2"});
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_TRUE(shards(program.folder / "cache") == whole);
}

TEST(Killed, TrainingGoesOnToTheSameModel) {
  const SerenadeProgram program;
  const std::vector<std::string> words = {"run", "small.yaml", "training.epochs=150"};
  auto elsewhere = words;
  elsewhere.insert(elsewhere.end(), {"--runs", "whole"});
  ASSERT_EQ(program.serenade(elsewhere).status, 0);
  const fs::path last_model = program.run_path() / "last.safetensors";
  for (const int signal : {SIGKILL, SIGINT, SIGTERM}) {
    // On a busy machine a training may be over before the signal reaches it: then once more.
    bool killed = false;
    for (int attempt = 0; attempt < 20 && !killed; ++attempt) {
      const auto before = written(last_model);
      Program training(program.folder.path(), SerenadeProgram::command(words));
      if (wait_for(last_model, before, training)) training.send(signal);
      const Outcome outcome = training.wait();
      killed = outcome.status == -signal;
      if (killed) break;
      ASSERT_EQ(outcome.status, 0) << outcome.err;
      fs::remove_all(program.run_path());
    }
    ASSERT_TRUE(killed);
    // Nothing looks finished.
    EXPECT_FALSE(program.has("metrics.json"));
    EXPECT_FALSE(program.has("model.safetensors"));
    EXPECT_EQ(program.serenade({"evaluate", "runs/small"}).status, 1);
  }
  const Outcome last = program.serenade(words);
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_THAT(last.err, HasSubstr("resumed after epoch"));
  for (const char* file : {"model.safetensors", "predictions.csv", "split.csv"}) {
    EXPECT_EQ(program.bytes(file), program.bytes(file, "whole/small")) << file;
  }
  for (const auto& entry : fs::directory_iterator(program.run_path())) {
    EXPECT_EQ(entry.path().filename().string().find(".tmp-"), std::string::npos);
  }
}

TEST(TwoPrograms, ShareOneCache) {
  const SerenadeProgram program(2, slow_yaml);
  ASSERT_EQ(program.serenade({"extract", "small.yaml", "--cache", "whole"}).status, 0);
  Both both = extract_twice(program, "cache");
  int extracted = 0;
  for (auto& one : both) {
    const Outcome outcome = one->wait();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const std::string begin = "120 clips, 120 different recordings: ";
    ASSERT_THAT(outcome.out, testing::StartsWith(begin));
    extracted += std::stoi(outcome.out.substr(begin.size()));
    EXPECT_THAT(outcome.out, HasSubstr("0 clips without features"));
  }
  EXPECT_EQ(extracted, 120) << "nothing is done twice";
  EXPECT_TRUE(shards(program.folder / "cache") == shards(program.folder / "whole"));
  EXPECT_THAT(program.serenade({"extract", "small.yaml"}).out,
              HasSubstr("0 extracted now, 120 in the cache"));
}

}  // namespace
}  // namespace serenade
