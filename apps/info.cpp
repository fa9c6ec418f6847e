#include <fmt/format.h>

#include "apps/commands.h"
#include "pipeline/experiment/environment.h"

namespace serenade::app {

void add_info(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand("info", "devices, libraries, versions");
  command->callback([&common, &action] {
    action = [&common](Console&) {
      const Context context(common.threads);
      const DeviceChoice choice = choose_device(common.device, context);
      for (const auto& [what, value] : environment(context, choice.features)) {
        fmt::print("{:<16} {}\n", what, value);
      }
      return exit_done;
    };
  });
}

}  // namespace serenade::app
