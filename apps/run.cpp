#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/evaluation/summary.h"

namespace serenade::app {

void add_run(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "run", "corpus, features, training, evaluation and report, in RUNS/NAME/");
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(*command, common, *arguments);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const RunResult result = run(config, session.workplace(*arguments));
      if (result.was_finished) {
        console.note(fmt::format("{} was finished with this configuration{}; --force runs it again",
                                 config.name,
                                 arguments->resume ? ", there is nothing to resume" : ""));
      } else {
        fmt::print("{}", summary_text(*result.report));
      }
      console.note(fmt::format("report: {}", result.folder.file(run_file::report).string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
