#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace serenade::test {

/// What became of a program.
struct Outcome {
  int status = -1;  ///< exit code; minus the signal that ended it
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

/// A program that runs, without a shell between: arguments arrive as they are. Its streams go to
/// files in `folder`, which is also its working directory. Killed when this ends before it does.
class Program {
 public:
  /// words[0] is the program's path; `input` is what it reads on standard input.
  Program(const std::filesystem::path& folder, const std::vector<std::string>& words,
          const std::string& input = "");
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  bool running();
  pid_t pid() const { return pid_; }
  void send(int signal) const;
  /// Waits for its end.
  Outcome wait();

 private:
  void ended(int status);

  std::filesystem::path out_, err_;
  pid_t pid_ = -1;
  int status_ = -1;
};

/// Runs a program to its end.
Outcome run_program(const std::filesystem::path& folder, const std::vector<std::string>& words,
                    const std::string& input = "");

}  // namespace serenade::test
