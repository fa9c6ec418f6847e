#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

// tools/gpu-check on the emulated GPU: a rehearsal.
namespace serenade {
namespace {

using test::Outcome;
using test::Program;
using test::read_bytes;
using test::run_program;
using test::write_bytes;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class GpuCheck : public testing::Test {
 protected:
  std::vector<std::string> command(const std::vector<std::string>& options) const {
    std::vector<std::string> words{
        "/usr/bin/env",           "python3", SERENADE_GPU_CHECK_DRIVER, "--build",
        SERENADE_GPU_CHECK_BUILD, "--out",   (folder_ / "out").string()};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }
  Outcome check(const std::vector<std::string>& options) const {
    return run_program(folder_.path(), command(options));
  }
  Outcome program(const std::vector<std::string>& options) const {
    std::vector<std::string> words{SERENADE_GPU_CHECK_BUILD "/gpu_check"};
    words.insert(words.end(), options.begin(), options.end());
    return run_program(folder_.path(), words);
  }

  /// The last result of every check, by name; half a line, which a crash leaves, is none.
  std::map<std::string, Json> results() const {
    std::map<std::string, Json> found;
    if (!std::filesystem::exists(folder_ / "out/results.jsonl")) return found;
    std::istringstream lines(read_bytes(folder_ / "out/results.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const Json parsed = Json::parse(line, nullptr, false);
      if (parsed.is_object() && parsed.contains("check")) found[parsed.at("check")] = parsed;
    }
    return found;
  }
  std::string result(const std::string& name) const {
    const auto all = results();
    const auto found = all.find(name);
    return found == all.end() ? "none" : found->second.at("result").get<std::string>();
  }
  std::string report() const { return read_bytes(folder_ / "out/report.md"); }

  test::TemporaryFolder folder_;
};

TEST_F(GpuCheck, RehearsesEveryStageAndSaysThatNoGpuWasThere) {
  // A few of each stage, and all of the harvest.
  const std::string some =
      "^(device|kernel|copy|dsp/(mel|rms)|nn/(relu_3_11_7|adamw|dense_5_17_33)|memcheck/nn|"
      "fft_frame_position|members_captured_together|"
      "FollowsTheCpusLosses.*|GivesTheSameBits.*|OfMembersTogether.*|ceiling_copy|dsp_mel_power|"
      "nn_relu|whole_step_graph|whole_extraction|harvest_.*)$";
  const Outcome ran = check({"--budget", "500", "--timeout", "300", "--only", some});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  std::map<int, std::set<std::string>> passed;
  for (const auto& [name, line] : results()) {
    if (line.at("result") == "passed") passed[line.at("stage")].insert(name);
  }
  EXPECT_THAT(passed[1], testing::IsSupersetOf({"device", "kernel", "copy"}));
  EXPECT_THAT(passed[2], testing::IsSupersetOf({"dsp/mel", "dsp/rms", "nn/relu_3_11_7", "nn/adamw",
                                                "nn/dense_5_17_33", "fft_frame_position"}));
  EXPECT_EQ(result("memcheck/nn"), "skipped");
  EXPECT_THAT(passed[4], testing::IsSupersetOf({"FollowsTheCpusLossesWithEveryKindOfLayer",
                                                "GivesTheSameBitsTwiceAndWithoutAResidentDataSet",
                                                "GivesTheSameBitsWithAndWithoutGraphs",
                                                "OfMembersTogetherHasTheBitsOfEachAlone",
                                                "members_captured_together"}));
  EXPECT_THAT(passed[5], testing::IsSupersetOf({"ceiling_copy", "dsp_mel_power", "nn_relu",
                                                "whole_step_graph", "whole_extraction"}));
  EXPECT_GE(passed[6].size(), 15U);
  EXPECT_THAT(report(), HasSubstr("an emulated GPU: a rehearsal"));
  EXPECT_THAT(report(), HasSubstr("**emulated GPU**"));
  EXPECT_THAT(report(), HasSubstr("None: an emulated GPU has no speed."));
  EXPECT_THAT(report(), Not(HasSubstr("GB/s")));
  EXPECT_THAT(read_bytes(folder_ / "out/results.jsonl"), Not(HasSubstr("\"fastest\"")));
}

TEST_F(GpuCheck, GoesOnPastWhatFailsHangsAndDies) {
  const Outcome ran = check({"--stage", "1", "--planted", "--timeout", "15"});
  EXPECT_EQ(ran.status, 1) << ran.out << ran.err;
  EXPECT_EQ(result("device"), "passed");
  EXPECT_EQ(result("copy"), "passed");
  EXPECT_EQ(result("planted_failure"), "failed");
  EXPECT_THAT(results()["planted_failure"].at("why").get<std::string>(), HasSubstr("number 321"));
  EXPECT_EQ(result("planted_hang"), "timeout");
  EXPECT_EQ(result("planted_death"), "failed");
  EXPECT_THAT(results()["planted_death"].at("why").get<std::string>(), HasSubstr("signal 6"));
  EXPECT_THAT(report(), HasSubstr("| 1 | planted_failure | the planted failure: number 321"));
  EXPECT_EQ(program({"run", "no_such_check", "."}).status, 2);
}

TEST_F(GpuCheck, ListsWhatTheBudgetLeavesOutAndRunsItLater) {
  const Outcome ran =
      check({"--stage", "1", "--planted", "--budget", "4", "--only", "planted_(hang|death)"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_EQ(result("planted_hang"), "not run");
  EXPECT_EQ(result("planted_death"), "not run");
  EXPECT_THAT(report(), HasSubstr("| 1 | planted_death | the budget was used up |"));
  EXPECT_EQ(check({"--stage", "7", "--planted", "--only", "death"}).status, 1);
  EXPECT_EQ(result("planted_hang"), "not run");
  EXPECT_EQ(result("planted_death"), "failed");
}

TEST_F(GpuCheck, KeepsWhatItHasWhenItIsKilled) {
  Program driver(folder_.path(), command({"--stage", "1", "--planted", "--timeout", "8"}));
  for (int i = 0; i < 3000 && result("planted_failure") == "none"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  driver.send(SIGKILL);
  driver.wait();
  const std::string file = "out/results.jsonl";
  write_bytes(folder_ / file, read_bytes(folder_ / file) + "{\"stage\": 1, \"check\": \"half");
  EXPECT_EQ(check({"--report"}).status, 0);
  EXPECT_EQ(result("copy"), "passed");
  EXPECT_THAT(report(), HasSubstr("planted_failure"));
  EXPECT_THAT(report(), Not(HasSubstr("planted_death")));
}

TEST_F(GpuCheck, ComparesThisBuildsDeviceWithAHarvest) {
  const Outcome nothing = program({"compare", folder_.path().string()});
  EXPECT_EQ(nothing.status, 77) << nothing.out;
  for (const char* name : {"harvest_expf", "harvest_cufft_d2z_512", "harvest_cufft_z2d_512",
                           "harvest_cublaslt_5_33_8"}) {
    EXPECT_EQ(program({"run", name, folder_.path().string()}).status, 0) << name;
  }
  const std::string harvest = (folder_ / "harvest").string();
  const Outcome same = program({"compare", harvest});
  EXPECT_EQ(same.status, 0) << same.out;
  EXPECT_EQ(Json::parse(same.out).at("data").begin()->size(), 4U);

  // One number a little off, another's inputs, too few numbers.
  const std::string bytes = read_bytes(folder_ / "harvest/expf.bin");
  std::string off = bytes;
  off[4 * 1000] = static_cast<char>(off[4 * 1000] ^ 0x20);  // 32 units in the last place
  write_bytes(folder_ / "harvest/expf.bin", off);
  Outcome found = program({"compare", harvest});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, HasSubstr("expf: number 1000 is"));
  write_bytes(folder_ / "harvest/expf.bin", bytes.substr(4));
  found = program({"compare", harvest});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, HasSubstr("expf.bin has not the 16384 bytes"));
  write_bytes(folder_ / "harvest/expf.bin", bytes);
  Json said = Json::parse(read_bytes(folder_ / "harvest/expf.json"));
  EXPECT_EQ(said.at("emulated"), true);
  said["inputs"] = "0123456789abcdef";
  write_bytes(folder_ / "harvest/expf.json", said.dump());
  found = program({"compare", harvest});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, HasSubstr("expf was harvested for other inputs"));
}

}  // namespace
}  // namespace serenade
