#include <fmt/format.h>

#include "apps/workplace.h"

namespace serenade::app {

void add_train(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("train", "train from features that are in the cache already");
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(*command, common, *arguments);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const RunResult result = train(config, session.workplace(*arguments));
      const std::string folder = result.folder.path().string();
      console.note(
          result.was_finished
              ? fmt::format("{} was trained with this configuration{}; --force trains it again",
                            folder, arguments->resume ? ", there is nothing to resume" : "")
              : fmt::format("trained: {0}; `serenade evaluate {0}` scores it", folder));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
