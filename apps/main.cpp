#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.h"
#include "kernels/device/error.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/support/nearest.h"

namespace {

using serenade::app::Action;
using serenade::app::Common;
using serenade::app::Console;

/// A word as a shell would have to be given it.
std::string shell_quoted(std::string_view word) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_@%+=:,./-").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!word.empty() && std::all_of(word.begin(), word.end(), is_plain)) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += R"('\'')";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string command_line(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i > 0 ? " " : "") + shell_quoted(argv[i]);
  return line;
}

/// The words behind the program's name, last first, as CLI11 takes them. It would read a file named
/// "[a,b]" as two.
std::vector<std::string> words_to_parse(int argc, char** argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    const std::string word = argv[i];
    words.push_back((word.starts_with('[') ? "./" : "") + word);
  }
  return words;
}

/// A closed standard stream would lend its number to the next file that is opened, and results
/// would be printed into a model. The other direction is opened, so that use still fails.
void occupy_standard_streams() {
  for (const int fd : {0, 1, 2}) {
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY);
  }
}

/// Throws unless everything printed has arrived: a full disk shows only here.
void finish_results() {
  const bool streamed = !std::cout.flush().fail();  // CLI11 writes help and version there
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !streamed) {
    throw serenade::IoError(
        fmt::format("cannot write the results to standard output: {}", std::strerror(errno)));
  }
}

int carry_out(const Action& action, Console& console) {
  try {
    serenade::expect_supported_processor();
    const int code = action(console);
    finish_results();
    return code;
  } catch (const serenade::ConfigError& error) {
    console.error(error.what());
    return serenade::app::exit_wrong_use;
  } catch (const std::filesystem::filesystem_error& error) {
    console.error(error.path1().empty()
                      ? error.what()
                      : fmt::format("{}: {}", error.path1().string(), error.code().message()));
  } catch (const std::bad_alloc&) {
    console.error("out of memory");
  } catch (const std::exception& error) {
    console.error(error.what());
  }
  return serenade::app::exit_failed;
}

/// What the parser makes of a command that there is not: that one is missing.
std::optional<std::string> unknown_command(const CLI::App& program) {
  const std::vector<std::string> words = program.remaining();
  if (!program.get_subcommands().empty() || words.empty()) return std::nullopt;
  std::vector<std::string> commands;
  for (const CLI::App* command : program.get_subcommands({})) {
    commands.push_back(command->get_name());
  }
  return fmt::format("'{}' is no command{}; there are {}", words.front(),
                     serenade::did_you_mean(words.front(), commands), fmt::join(commands, ", "));
}

void add_common_options(CLI::App& program, Common& common) {
  program.add_option("--device", common.device, "where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  program
      .add_option(
          "--device-memory", common.device_memory_mib,
          "MiB of the GPU's memory that features may take, computed or learned from; 0: half of it")
      ->check(CLI::Range(std::size_t{0}, std::size_t{1} << 24U))
      ->capture_default_str();
  program.add_option("--threads", common.threads, "number of threads; 0: all cores")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  program.add_option("--cache", common.cache, "folder of the feature cache")
      ->envname("SERENADE_CACHE")
      ->capture_default_str();
  program.add_option("--runs", common.runs, "folder that run folders are made in")
      ->envname("SERENADE_RUNS")
      ->capture_default_str();
  program.add_flag("-q,--quiet", common.console.quiet, "only warnings and errors on stderr");
  program.add_option("--log-level", common.console.log_level, "least severity that is told")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  // Streams of a GPU, one for each thread that decodes or member that trains, wait for each other
  // where they share one of these queues. Before anything of CUDA, and any thread, begins.
  ::setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);  // NOLINT(concurrency-mt-unsafe)
  // A file that may not grow (ulimit -f) is then a failed write, which is reported, instead of the
  // process's end.
  std::signal(SIGXFSZ, SIG_IGN);  // NOLINT(cert-err33-c): cannot fail for this signal
  CLI::App program(
      "Recognises emotion in speech: from a folder of recordings and one YAML file to "
      "a trained, evaluated model.");
  program.name("serenade");
  program.set_version_flag("--version", "serenade " + serenade::program_version() + " (" +
                                            serenade::git_revision() + ")");
  program.require_subcommand(1);
  program.fallthrough();  // common options may stand behind the command

  Common common;
  common.command_line = command_line(argc, argv);
  Action action;
  add_common_options(program, common);
  serenade::app::add_run(program, common, action);
  serenade::app::add_extract(program, common, action);
  serenade::app::add_train(program, common, action);
  serenade::app::add_evaluate(program, common, action);
  serenade::app::add_ensemble(program, common, action);
  serenade::app::add_crossval(program, common, action);
  serenade::app::add_sweep(program, common, action);
  serenade::app::add_compare(program, common, action);
  serenade::app::add_predict(program, common, action);
  serenade::app::add_check(program, common, action);
  serenade::app::add_info(program, common, action);

  for (CLI::App* command : program.get_subcommands({})) {
    command->footer(
        "Options of all commands, which may stand here too: --device, --device-memory, --threads, "
        "--cache, --runs, --quiet and --log-level; `serenade --help` explains them.");
  }

  try {
    program.parse(words_to_parse(argc, argv));
  } catch (const CLI::RequiredError& error) {
    const auto unknown = unknown_command(program);
    fmt::print(stderr, "{}\nRun with --help for more information.\n",
               unknown.value_or(error.what()));
    return serenade::app::exit_wrong_use;
  } catch (const CLI::ParseError& error) {
    if (program.exit(error) != 0) return serenade::app::exit_wrong_use;
    try {
      finish_results();
    } catch (const serenade::IoError& failure) {
      Console(common.console).error(failure.what());
      return serenade::app::exit_failed;
    }
    return serenade::app::exit_done;
  }
  Console console(common.console);
  return carry_out(action, console);
}
