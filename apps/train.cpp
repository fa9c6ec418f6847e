#include <fmt/format.h>

#include "apps/workplace.h"

namespace serenade::app {

void add_train(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("train", "train from features that are in the cache already");
  auto arguments = std::make_shared<ConfigArguments>();
  auto force = std::make_shared<bool>(false);
  add_config_arguments(*command, *arguments);
  add_verify_flag(*command, common);
  command->add_flag("--force", *force, "overwrite a finished run");
  command->callback([&common, &action, arguments, force] {
    action = [&common, arguments, force](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const RunResult result = train(config, session.workplace(arguments->file, *force));
      const std::string folder = result.folder.path().string();
      console.note(
          result.was_finished
              ? fmt::format("{} was trained with this configuration; --force trains it again",
                            folder)
              : fmt::format("trained: {0}; `serenade evaluate {0}` scores it", folder));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
