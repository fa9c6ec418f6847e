#include <fmt/format.h>

#include "apps/commands.h"
#include "pipeline/experiment/environment.h"

namespace serenade::app {

void add_info(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand("info", "devices, libraries, versions");
  command->callback([&common, &action] {
    action = [&common](Console&) {
      Context context(common.threads);
      const Device device = choose_device(common.device, context).device;
      if (device != Device::cpu) context = Context(device, common.threads);
      for (const auto& [what, value] : environment(context, device)) {
        fmt::print("{:<16} {}\n", what, value);
      }
      return exit_done;
    };
  });
}

}  // namespace serenade::app
