#include <fmt/format.h>

#include <exception>
#include <iostream>

#include "apps/commands.h"
#include "kernels/device/error.h"
#include "pipeline/experiment/environment.h"

namespace {

using serenade::app::Action;
using serenade::app::Common;

void add_common_options(CLI::App& program, Common& common) {
  program.add_option("--device", common.device, "where to compute")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
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
  CLI::App program(
      "Recognises emotion in speech: from a folder of recordings and one YAML file to "
      "a trained, evaluated model.");
  program.name("serenade");
  program.set_version_flag("--version", "serenade " + serenade::program_version() + " (" +
                                            serenade::git_revision() + ")");
  program.require_subcommand(1);
  program.fallthrough();  // common options may stand behind the command

  Common common;
  Action action;
  add_common_options(program, common);
  serenade::app::add_run(program, common, action);
  serenade::app::add_extract(program, common, action);
  serenade::app::add_train(program, common, action);
  serenade::app::add_evaluate(program, common, action);
  serenade::app::add_predict(program, common, action);
  serenade::app::add_info(program, common, action);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? serenade::app::exit_done : serenade::app::exit_wrong_use;
  }
  try {
    serenade::expect_supported_processor();
    return action();
  } catch (const serenade::ConfigError& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return serenade::app::exit_wrong_use;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return serenade::app::exit_failed;
  }
}
