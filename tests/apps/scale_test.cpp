// Many clips: what tools/bench/hundred_thousand measures with 100,000, here with 5,000.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::Program;
using test::SerenadeProgram;
using testing::HasSubstr;

constexpr int clips = 5'000;

/// Clips of 0.3 s at 16 kHz, every one another recording, named as CREMA-D's.
void write_clips(const fs::path& folder) {
  constexpr std::array emotions = {"ANG", "DIS", "FEA", "HAP", "NEU", "SAD"};
  constexpr std::array sentences = {"IEO", "TIE", "IOM", "IWW", "TAI", "MTI",
                                    "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"};
  constexpr int of_a_speaker = static_cast<int>(emotions.size() * sentences.size());
  for (int i = 0; i < clips; ++i) {
    const auto emotion = static_cast<std::size_t>(i) % emotions.size();
    const auto sentence = static_cast<std::size_t>(i) / emotions.size() % sentences.size();
    const auto name = fmt::format("{}_{}_{}_XX.wav", 1001 + i / of_a_speaker, sentences[sentence],
                                  emotions[emotion]);
    test::write_sound(folder / name,
                      test::noisy_sine(4800, 200.0 + 150.0 * static_cast<double>(emotion), 16000,
                                       static_cast<std::uint64_t>(i) + 1),
                      16000);
  }
}

/// Anonymous memory of a process now, bytes; 0 where it has ended.
std::size_t anonymous_bytes(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
  }
  return 0;
}

class ManyClips : public testing::Test {
 protected:
  void expect_little_memory(std::vector<std::string> words, const std::string& output) {
    words.insert(words.end(), {"--threads", "2"});
    Program program(folder_.path(), SerenadeProgram::command(words));
    std::size_t peak = 0;
    while (program.running()) {
      peak = std::max(peak, anonymous_bytes(program.pid()));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const Outcome outcome = program.wait();
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr(output));
    EXPECT_GT(peak, 0U);
    // 600 MB are the bound for 100,000 clips. A twentieth of them take a twentieth of what grows
    // with their number, 30 MB, and as much for what does not: buffers of a shard and of the
    // threads.
    EXPECT_LE(peak, std::size_t{60} << 20U) << words[0];
    RecordProperty(words[0] + "_megabytes", static_cast<int>(peak >> 20U));
  }

  test::TemporaryFolder folder_;
};

TEST_F(ManyClips, TakeLittleMemory) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's own memory would be measured";
#endif
  write_clips(folder_ / "corpus");
  test::write_bytes(folder_ / "many.yaml", R"(
corpus: {path: corpus, reader: crema-d}
features:
  sample_rate: 16000
  n_fft: 512
  hop_length: 256
  extract: [mfcc: {n_mfcc: 20, n_mels: 40}, rms]
split: {protocol: random}
model:
  frames: 19
  layers: [conv1d: {filters: 8, kernel_size: 3}, relu, global_average_pool]
training: {epochs: 1, batch_size: 64}
)");
  expect_little_memory({"extract", "many.yaml"}, "5000 extracted now, 0 in the cache");
  expect_little_memory({"extract", "many.yaml"}, "0 extracted now, 5000 in the cache");
  expect_little_memory({"train", "many.yaml"}, "");
}

}  // namespace
}  // namespace serenade
