#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/experiment/check.h"

namespace serenade::app {

void add_check(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "check",
      "look at an experiment's recordings and split before anything is computed; exits with 1 "
      "where something would stop a run");
  auto arguments = std::make_shared<ConfigArguments>();
  auto json = std::make_shared<bool>(false);
  add_config_arguments(*command, *arguments);
  command->add_flag("--json", *json, "the whole result as JSON");
  command->callback([&common, &action, arguments, json] {
    action = [&common, arguments, json](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const CheckReport report = check_experiment(config, session.context(), console);
      fmt::print("{}", *json ? check_json(report) : check_text(report));
      return report.problems.empty() ? exit_done : exit_failed;
    };
  });
}

}  // namespace serenade::app
