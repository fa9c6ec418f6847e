#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "apps/console.h"

namespace serenade::app {

/// What every command takes.
struct Common {
  ConsoleOptions console;
  std::string device = "auto";
  int threads = 0;
  std::size_t device_memory_mib = 0;
  std::string cache = "cache";
  std::string runs = "runs";
  bool verify = false;
  std::string command_line;  ///< what the user typed
};

enum ExitCode { exit_done = 0, exit_failed = 1, exit_wrong_use = 2 };

/// What a command does once the line is parsed; returns an ExitCode.
using Action = std::function<int(Console&)>;

/// Each command adds itself to the program and sets `action` when it is chosen. One file each.
void add_run(CLI::App& program, Common& common, Action& action);
void add_extract(CLI::App& program, Common& common, Action& action);
void add_train(CLI::App& program, Common& common, Action& action);
void add_evaluate(CLI::App& program, Common& common, Action& action);
void add_ensemble(CLI::App& program, Common& common, Action& action);
void add_crossval(CLI::App& program, Common& common, Action& action);
void add_sweep(CLI::App& program, Common& common, Action& action);
void add_compare(CLI::App& program, Common& common, Action& action);
void add_predict(CLI::App& program, Common& common, Action& action);
void add_check(CLI::App& program, Common& common, Action& action);
void add_info(CLI::App& program, Common& common, Action& action);

/// A configuration file with `key.path=value` changes, as run, extract and train take it.
struct ConfigArguments {
  std::string file;
  std::vector<std::string> overrides;
};
void add_config_arguments(CLI::App& command, ConfigArguments& arguments);

/// --verify, for commands that read a corpus and its features.
void add_verify_flag(CLI::App& command, Common& common);

/// What a command that makes a run takes: both of these, and what becomes of a run that is there,
/// --force or --resume.
struct RunArguments : ConfigArguments {
  bool force = false;
  bool resume = false;
};
void add_run_arguments(CLI::App& command, Common& common, RunArguments& arguments);

}  // namespace serenade::app
