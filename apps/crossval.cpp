#include "pipeline/experiment/crossval.h"

#include <fmt/format.h>

#include "apps/workplace.h"

namespace serenade::app {

void add_crossval(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand("crossval",
                                             "train and score folds x seeds side by side, and "
                                             "print one table of them, in RUNS/NAME/; needs "
                                             "a protocol of several folds, split.seeds or seeds");
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(*command, common, *arguments);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      expect_several_networks(config);
      Session session(common, console);
      const CrossvalResult result = crossval(config, session.workplace(*arguments));
      if (result.run.was_finished) {
        console.note(
            fmt::format("{} was finished with this configuration; its table is printed again, and "
                        "--force trains anew",
                        config.name));
      }
      fmt::print("{}", crossval_text(result.table));
      const RunFolder& folder = result.run.folder;
      console.note(fmt::format("table: {}; report: {}",
                               folder.file(run_file::crossval_csv).string(),
                               folder.file(run_file::report).string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
