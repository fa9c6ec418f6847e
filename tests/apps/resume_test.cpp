#include <gtest/gtest.h>

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

/// Two epochs, then killed at random moments on the way to eight, resumed each time: the bits of
/// eight in one go. For every optimizer, and every schedule that more epochs may be added to.
TEST(KilledTraining, ResumedTrainingsGiveTheBitsOfOneGo) {
  const SerenadeProgram program;
  std::mt19937 random(20);
  for (const char* optimizer : {"adam", "adamw"}) {
    for (const char* schedule : {"constant", "reduce_on_plateau, patience: 0, min_delta: 0.1"}) {
      const std::string name = fmt::format("{}-{}", optimizer, std::string(schedule).substr(0, 6));
      const auto words = [&](int epochs, std::vector<std::string> more = {}) {
        more.insert(more.begin(),
                    {"run", "small.yaml", "--threads", "2", "seeds=[3, 4, 5]",
                     fmt::format("name={}", name), fmt::format("training.epochs={}", epochs),
                     fmt::format("training.optimizer.name={}", optimizer),
                     fmt::format("training.schedule={{name: {}}}", schedule)});
        return more;
      };
      ASSERT_EQ(program.serenade(words(8, {"--runs", "whole"})).status, 0);
      ASSERT_EQ(program.serenade(words(2)).status, 0);
      for (int kill = 0; kill < 3; ++kill) {
        Program training(program.folder.path(), SerenadeProgram::command(words(8, {"--resume"})));
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
        training.send(SIGKILL);
        training.wait();
      }
      const Outcome last = program.serenade(words(8, {"--resume"}));
      ASSERT_EQ(last.status, 0) << last.err;
      for (const char* file : {"seed-3/model.safetensors", "seed-4/model.safetensors",
                               "seed-5/model.safetensors", "predictions.csv"}) {
        EXPECT_EQ(program.bytes(file, "runs/" + name), program.bytes(file, "whole/" + name))
            << name << file;
      }
    }
  }
}

}  // namespace
}  // namespace serenade
