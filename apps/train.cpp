#include <fmt/format.h>

#include "apps/workplace.h"

namespace serenade::app {

void add_train(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("train", "train from features that are in the cache already");
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
      const RunResult result = train(config, session.workplace(arguments->file, *force, *resume));
      const std::string folder = result.folder.path().string();
      console.note(
          result.was_finished
              ? fmt::format("{} was trained with this configuration{}; --force trains it again",
                            folder, *resume ? ", there is nothing to resume" : "")
              : fmt::format("trained: {0}; `serenade evaluate {0}` scores it", folder));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
