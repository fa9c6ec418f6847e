#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <map>
#include <thread>

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

// Dearer features, so that extraction takes long enough to be killed.
constexpr const char* slow_yaml = R"(
features:
  sample_rate: 44100
  hop_length: 64
  extract: [mfcc, chroma_stft, spectral_contrast]
)";

TEST(Killed, ExtractionGoesOnToTheSameShards) {
  const SerenadeProgram program(2, slow_yaml);
  ASSERT_EQ(program.serenade({"extract", "small.yaml", "--cache", "whole"}).status, 0);
  const auto whole = shards(program.folder / "whole");
  int killed = 0;
  for (const int pause : {5, 30, 60, 120}) {
    Program extraction(program.folder.path(), SerenadeProgram::command({"extract", "small.yaml"}));
    sleep_ms(pause);
    extraction.send(SIGKILL);
    killed += extraction.wait().status == -SIGKILL ? 1 : 0;
  }
  EXPECT_GT(killed, 0);
  const Outcome last = program.serenade({"extract", "small.yaml", "--threads", "2"});
  EXPECT_EQ(last.status, 0) << last.err;
  EXPECT_EQ(shards(program.folder / "cache"), whole);
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

TEST(TwoPrograms, InOneCacheAndOneRun) {
  const SerenadeProgram program(2, slow_yaml);
  std::vector<std::unique_ptr<Program>> both;
  both.reserve(2);
  for (int i = 0; i < 2; ++i) {
    both.push_back(std::make_unique<Program>(program.folder.path(),
                                             SerenadeProgram::command({"extract", "small.yaml"})));
  }
  for (auto& one : both) {
    const Outcome outcome = one->wait();
    if (outcome.status == 0) continue;
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, HasSubstr("error: "));
    EXPECT_THAT(outcome.err, HasSubstr("another process is extracting"));
  }
  EXPECT_THAT(program.serenade({"extract", "small.yaml"}).out,
              HasSubstr("0 extracted now, 120 in the cache"));
}

}  // namespace
}  // namespace serenade
