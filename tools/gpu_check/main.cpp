// One check of a real GPU, or of the emulated one, in a process of its own. tools/gpu-check runs
// it.
//   gpu_check list                    name and stage of every check, a line of JSON each
//   gpu_check run NAME FOLDER         runs it; FOLDER takes files that it keeps
//   gpu_check compare FOLDER          the build's device against a harvest (stage 6)
// Prints one line of JSON: {"result": "passed", "data": {...}}, or "failed" or "skipped" and "why".
// Exit 0 passed, 1 failed, 2 wrong use, 77 skipped.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

#include "kernels/device/philox.h"
#include "tools/gpu_check/check.h"

namespace serenade::gpu_check {

std::vector<float> draw(Index size, std::uint32_t stream, double low, double high) {
  std::vector<float> values(static_cast<std::size_t>(size));
  const Philox philox(1);
  Philox::Counter words{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 4 == 0) {
      words = philox({static_cast<std::uint32_t>(i / 4), stream, 1, purpose_of(Purpose::test)});
    }
    values[i] = static_cast<float>(low + (high - low) * static_cast<double>(uniform(words[i % 4])));
  }
  return values;
}

double expect_near(const std::string& what, const std::vector<float>& found,
                   const std::vector<float>& wanted, double tolerance) {
  if (found.size() != wanted.size()) {
    throw Failed(fmt::format("{}: {} numbers instead of {}", what, found.size(), wanted.size()));
  }
  double scale = 1, worst = 0;
  for (const float value : wanted) scale = std::max(scale, std::abs(double{value}));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double error = std::abs(double{found[i]} - double{wanted[i]}) / scale;
    if (!(error <= tolerance)) {
      throw Failed(fmt::format("{}: number {} is {}, but must be {} within {:.3g} of {:.3g}", what,
                               i, found[i], wanted[i], tolerance, scale));
    }
    worst = std::max(worst, error);
  }
  return worst;
}

void time_into(Json& row, Context& context, const std::function<void()>& enqueue) {
  if (emulated) return;
  using Clock = std::chrono::steady_clock;
  const auto seconds_of = [&](Index calls) {
    const auto begin = Clock::now();
    for (Index i = 0; i < calls; ++i) enqueue();
    context.synchronize();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  seconds_of(3);
  const double once = std::max(seconds_of(3) / 3, 1e-7);
  const Index calls = std::clamp<Index>(static_cast<Index>(0.005 / once), 1, 2000);
  std::vector<double> samples(15);
  for (double& seconds : samples) seconds = seconds_of(calls) / static_cast<double>(calls);
  std::ranges::sort(samples);
  row["seconds"] = samples[samples.size() / 2];
  row["fastest"] = samples.front();
  row["calls a sample"] = calls;
}

namespace {

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto& some :
       {device_checks(), same_bits_checks(), ceiling_checks(), whole_speeds(), signal_speeds(),
        network_speeds(), step_speeds(), harvest_checks(), planted_checks()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

int say(const Json& line, int status) {
  fmt::print("{}\n", line.dump());
  return status;
}

int run(const std::function<Json()>& check) {
  try {
    return say({{"result", "passed"}, {"data", check()}}, 0);
  } catch (const Skipped& skipped) {
    return say({{"result", "skipped"}, {"why", skipped.what()}}, 77);
  } catch (const std::exception& error) {
    return say({{"result", "failed"}, {"why", error.what()}}, 1);
  }
}

int act(const std::vector<std::string>& words) {
  const std::vector<Check> all = all_checks();
  if (words.size() == 1 && words[0] == "list") {
    for (const Check& check : all) {
      say({{"name", check.name}, {"stage", check.stage}, {"emulated", emulated}}, 0);
    }
    return 0;
  }
  if (words.size() == 3 && words[0] == "run") {
    const auto found = std::ranges::find(all, words[1], &Check::name);
    if (found != all.end()) return run([&] { return found->run(words[2]); });
    fmt::print(stderr, "gpu_check: there is no check '{}'; gpu_check list names them\n", words[1]);
    return 2;
  }
  if (words.size() == 2 && words[0] == "compare") {
    return run([&] { return compare_with_harvest(words[1]); });
  }
  fmt::print(stderr, "gpu_check list | run NAME FOLDER | compare FOLDER\n");
  return 2;
}

}  // namespace
}  // namespace serenade::gpu_check

int main(int count, char** arguments) {
  GTEST_FLAG_SET(throw_on_failure,
                 true);  // what the tests' tables expect besides is a check's, too
  return serenade::gpu_check::act({arguments + 1, arguments + count});
}
