#include "pipeline/experiment/compare.h"

#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/support/files.h"

namespace serenade::app {
namespace {

struct CompareArguments {
  std::vector<std::string> runs;
  bool csv = false;
  bool json = false;
  bool protocols = false;
  std::string html;
};

int compare(const Common& common, Console& console, const CompareArguments& arguments) {
  const std::vector<std::filesystem::path> runs(arguments.runs.begin(), arguments.runs.end());
  if (arguments.protocols) {
    const ProtocolComparison result = compare_protocols(runs);
    if (!arguments.html.empty()) {
      write_file_atomically(arguments.html, result.html);
      console.note(fmt::format("page: {}", arguments.html));
    }
    fmt::print("{}", result.text);
    return exit_done;
  }
  if (runs.size() < 2)
    throw ConfigError(
        "compare needs at least two runs; the others are set "
        "beside the first");
  Context context(common.threads);
  const Comparison result = compare_runs(context, runs);
  if (arguments.csv) {
    fmt::print("{}", comparison_csv(result));
  } else {
    fmt::print("{}", arguments.json ? comparison_json(result) : comparison_text(result));
  }
  if (arguments.csv) {
    for (const std::string& note : result.notes) console.note(note);
  }
  return exit_done;
}

}  // namespace

void add_compare(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "compare",
      "set scored runs beside the first on the same test clips: paired differences with bootstrap "
      "intervals, McNemar's test; or one network's scores by protocol");
  auto arguments = std::make_shared<CompareArguments>();
  command->add_option("runs", arguments->runs, "run folders, the first to compare with")
      ->required()
      ->type_name("RUN");
  CLI::Option* csv = command->add_flag("--csv", arguments->csv, "comma-separated values");
  CLI::Option* json = command->add_flag("--json", arguments->json, "JSON")->excludes(csv);
  CLI::Option* protocols =
      command
          ->add_flag(
              "--protocols", arguments->protocols,
              "no tests: one network's scores under the protocol of each run, which differ in "
              "nothing else")
          ->excludes(csv)
          ->excludes(json);
  command
      ->add_option("--html", arguments->html,
                   "with --protocols: write a page with a bar for each, and what they mean")
      ->type_name("FILE")
      ->needs(protocols);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      return compare(common, console, *arguments);
    };
  });
}

}  // namespace serenade::app
