#include "pipeline/experiment/sweep.h"

#include <fmt/format.h>

#include "apps/workplace.h"

namespace serenade::app {

void add_sweep(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "sweep",
      "train the points of a configuration's section `sweep` and rank them by the validation part; "
      "the test part is not scored. In RUNS/NAME/sweep/, where points that are trained already "
      "are kept and interrupted ones go on");
  auto arguments = std::make_shared<ConfigArguments>();
  auto force = std::make_shared<bool>(false);
  add_config_arguments(*command, *arguments);
  add_verify_flag(*command, common);
  command->add_flag("--force", *force, "train again the points that are trained already");
  command->callback([&common, &action, arguments, force] {
    action = [&common, arguments, force](Console& console) {
      const SweepPlan plan = load_sweep(arguments->file, arguments->overrides);
      Session session(common, console);
      Workplace place = session.workplace(arguments->file);
      place.force = *force;
      const SweepResult result = sweep(plan, place);
      fmt::print("{}", sweep_text(result));
      console.note(fmt::format("{} of {} points were trained before", result.trained_before,
                               result.rows.size()));
      console.note(fmt::format("the best point: `serenade run {}` trains and scores it",
                               result.best.string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
