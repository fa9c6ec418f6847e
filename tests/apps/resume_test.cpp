#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

using test::Outcome;
using test::Program;
using test::SerenadeProgram;

struct Settings {
  const char* name;
  const char* optimizer;
  const char* schedule;
  bool more_epochs;  ///< may be added to a training that was begun with fewer
};
constexpr Settings table[] = {
    {"adam", "{name: adam}", "{name: constant}", true},
    {"adamw", "{name: adamw}", "{name: reduce_on_plateau, patience: 0, min_delta: 0.1}", true},
    {"sgd", "{name: sgd, learning_rate: 0.05}", "{name: constant}", true},
    {"cosine", "{name: adam}", "{name: cosine}", false},
    {"one_cycle", "{name: sgd, learning_rate: 0.05}", "{name: one_cycle}", false},
};

/// Two epochs, then eight, killed at random moments and resumed each time: the bits of eight in one
/// go. A schedule that is laid out over all epochs begins with eight and refuses to begin with two.
TEST(KilledTraining, ResumedGivesTheBitsOfOneGo) {
  const SerenadeProgram program;
  std::mt19937 random(20);
  for (const Settings& settings : table) {
    const std::string name = settings.name;
    const auto words = [&](int epochs, std::vector<std::string> more = {}) {
      more.insert(more.begin(), {"run", "small.yaml", "--threads", "2", "seeds=[3, 4, 5]",
                                 "name=" + name, fmt::format("training.epochs={}", epochs),
                                 fmt::format("training.optimizer={}", settings.optimizer),
                                 fmt::format("training.schedule={}", settings.schedule),
                                 "training.ema=0.9", "training.clip_norm=1"});
      return more;
    };
    ASSERT_EQ(program.serenade(words(8, {"--runs", "whole"})).status, 0);
    // Killed before it began, a run is not there to be resumed: such a schedule's goes on by
    // itself.
    std::vector<std::string> how;
    if (settings.more_epochs) {
      ASSERT_EQ(program.serenade(words(2)).status, 0);
      how = {"--resume"};
    } else {
      ASSERT_EQ(program.serenade(words(2, {"--runs", "fewer"})).status, 0);
      const Outcome refused = program.serenade(words(8, {"--runs", "fewer", "--resume"}));
      EXPECT_EQ(refused.status, 1);
      EXPECT_THAT(refused.err, testing::HasSubstr("lays the learning rate out over all 2 epochs"));
    }
    for (int kill = 0; kill < 3; ++kill) {
      Program training(program.folder.path(), SerenadeProgram::command(words(8, how)));
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 130));
      training.send(SIGKILL);
      training.wait();
    }
    const Outcome last = program.serenade(words(8, how));
    ASSERT_EQ(last.status, 0) << last.err;
    for (const char* file : {"seed-3/model.safetensors", "seed-4/model.safetensors",
                             "seed-5/model.safetensors", "predictions.csv"}) {
      EXPECT_EQ(program.bytes(file, "runs/" + name), program.bytes(file, "whole/" + name))
          << name << file;
    }
  }
}

}  // namespace
}  // namespace serenade
