#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/evaluation/summary.h"
#include "pipeline/experiment/run_ensemble.h"

namespace serenade::app {
namespace {

struct EnsembleArguments {
  std::vector<std::string> runs;
  std::string name;
  bool force = false;
};

}  // namespace

void add_ensemble(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "ensemble", "combine trained runs of one split into RUNS/NAME and score them together");
  auto arguments = std::make_shared<EnsembleArguments>();
  command->add_option("runs", arguments->runs, "run folders, two or more")
      ->required()
      ->type_name("RUN");
  command->add_option("--name", arguments->name, "of the ensemble and of its folder")
      ->required()
      ->type_name("NAME");
  command->add_flag("--force", arguments->force, "overwrite a run or an ensemble of this name");
  add_verify_flag(*command, common);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      Session session(common, console);
      Workplace place = session.workplace();
      place.force = arguments->force;
      const ReportData report =
          combine_runs({arguments->runs.begin(), arguments->runs.end()}, arguments->name, place);
      fmt::print("{}", summary_text(report));
      const RunFolder folder(place.runs / arguments->name);
      console.note(fmt::format("report: {}", folder.file(run_file::report).string()));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
