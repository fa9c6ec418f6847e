#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/evaluation/summary.h"

namespace serenade::app {

void add_run(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "run", "corpus, features, training, evaluation and report, in RUNS/NAME/");
  auto arguments = std::make_shared<ConfigArguments>();
  auto force = std::make_shared<bool>(false);
  auto resume = std::make_shared<bool>(false);
  add_config_arguments(*command, *arguments);
  add_verify_flag(*command, common);
  add_beginning_flags(*command, *force, *resume);
  command->callback([&common, &action, arguments, force, resume] {
    action = [&common, arguments, force, resume](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const RunResult result = run(config, session.workplace(arguments->file, *force, *resume));
      if (result.was_finished) {
        console.note(fmt::format("{} was finished with this configuration{}; --force runs it again",
                                 config.name, *resume ? ", there is nothing to resume" : ""));
      } else {
        fmt::print("{}", summary_text(*result.report));
      }
      console.note(fmt::format("report: {}", result.folder.file(run_file::report).string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
