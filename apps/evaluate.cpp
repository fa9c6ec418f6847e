#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/evaluation/summary.h"

namespace serenade::app {

void add_evaluate(CLI::App& program, Common& common, Action& action) {
  CLI::App* command =
      program.add_subcommand("evaluate", "score a trained run on its own test part");
  auto folder = std::make_shared<std::string>();
  command->add_option("run", *folder, "a run folder")->required()->type_name("RUN");
  add_verify_flag(*command, common);
  command->callback([&common, &action, folder] {
    action = [&common, folder](Console& console) {
      Session session(common, console);
      const ReportData report = evaluate(RunFolder::open(*folder), session.workplace());
      fmt::print("{}", summary_text(report));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
