#include "tests/support/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "kernels/device/error.h"
#include "tests/support/temporary_folder.h"

namespace serenade::test {
namespace {

int open_stream(const std::filesystem::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  if (fd < 0) throw IoError("cannot open " + path.string());
  return fd;
}

}  // namespace

Program::Program(const std::filesystem::path& folder, const std::vector<std::string>& words,
                 const std::string& input) {
  static std::atomic<int> count = 0;
  const auto stream = [&, number = ++count](const char* name) {
    return folder / fmt::format(".{}-{}", name, number);
  };
  out_ = stream("out");
  err_ = stream("err");
  const auto in = stream("in");
  write_bytes(in, input);
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  // Opened here, so that the files are there however early the program is killed.
  const std::array streams = {open_stream(in, O_RDONLY),
                              open_stream(out_, O_WRONLY | O_CREAT | O_TRUNC),
                              open_stream(err_, O_WRONLY | O_CREAT | O_TRUNC)};
  pid_ = ::fork();
  if (pid_ != 0) {
    for (const int fd : streams) ::close(fd);
    if (pid_ < 0) throw IoError("cannot fork");
    return;
  }
  // A shell without job control lets what it starts in the background ignore these.
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGQUIT, SIG_DFL);
  for (int to = 0; to < 3; ++to) {
    if (::dup2(streams[static_cast<std::size_t>(to)], to) < 0) ::_exit(126);
  }
  if (::chdir(folder.c_str()) != 0) ::_exit(126);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

Program::~Program() {
  if (!running()) return;
  send(SIGKILL);
  wait();
}

void Program::ended(int status) {
  pid_ = -1;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

bool Program::running() {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) ended(status);
  return pid_ > 0;
}

void Program::send(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

Outcome Program::wait() {
  int status = 0;
  while (pid_ > 0) {
    if (::waitpid(pid_, &status, 0) == pid_) {
      ended(status);
    } else if (errno != EINTR) {
      throw IoError("cannot wait for the program");
    }
  }
  return {status_, read_bytes(out_), read_bytes(err_)};
}

Outcome run_program(const std::filesystem::path& folder, const std::vector<std::string>& words,
                    const std::string& input) {
  return Program(folder, words, input).wait();
}

}  // namespace serenade::test
