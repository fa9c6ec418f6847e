#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/pipeline/experiment/small_experiment.h"
#include "tests/support/program.h"

namespace serenade::test {

/// A small experiment carried out by the built program, in the experiment's folder.
class SerenadeProgram : public SmallExperiment {
 public:
  explicit SerenadeProgram(int actors = 2, const std::string& yaml = small_yaml)
      : SmallExperiment(actors) {
    write_bytes(config_file(), "corpus: {path: corpus}\n" + yaml);
  }

  static std::vector<std::string> command(std::vector<std::string> words) {
    words.insert(words.begin(), SERENADE_PROGRAM);
    return words;
  }
  Outcome serenade(const std::vector<std::string>& words, const std::string& input = "") const {
    return run_program(folder.path(), command(words), input);
  }
};

/// The lines of a text, without their ends.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// A failure that a user can act on: the exit code, one line, nothing where results go.
inline void expect_failure(const Outcome& outcome, int status, const std::string& text) {
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, testing::HasSubstr(text));
  int errors = 0;
  for (const auto& line : lines_of(outcome.err)) errors += line.starts_with("error: ") ? 1 : 0;
  EXPECT_EQ(errors, 1) << outcome.err;
}

}  // namespace serenade::test
