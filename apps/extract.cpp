#include <fmt/format.h>

#include "apps/workplace.h"
#include "pipeline/support/one_line.h"

namespace serenade::app {
namespace {

std::string where_time_went(const ExtractionReport& result) {
  const StageSeconds& stages = result.stages;
  return fmt::format(
      "{:.1f} s with {} threads; summed over threads: decode {:.1f} s, resample "
      "{:.1f} s, {}features {:.1f} s, hashing {:.1f} s; writing {:.1f} s",
      result.seconds, result.threads, stages.decode, stages.resample,
      stages.copies > 0 ? fmt::format("copies {:.1f} s, ", stages.copies) : "", stages.features,
      stages.verify, stages.write);
}

}  // namespace

void add_extract(CLI::App& program, Common& common, Action& action) {
  CLI::App* command = program.add_subcommand(
      "extract", "fill the feature cache and stop; interrupted work resumes");
  auto arguments = std::make_shared<ConfigArguments>();
  add_config_arguments(*command, *arguments);
  add_verify_flag(*command, common);
  command->callback([&common, &action, arguments] {
    action = [&common, arguments](Console& console) {
      const ExperimentConfig config = load_experiment(arguments->file, arguments->overrides);
      Session session(common, console);
      const ExtractionReport result = extract(config, session.workplace(arguments->file));
      const std::string others =
          result.by_others > 0
              ? fmt::format(", {} extracted by another process meanwhile", result.by_others)
              : "";
      const std::string copies =
          result.copies > 0 ? fmt::format(" ({} of them copies of training clips)", result.copies)
                            : "";
      fmt::print(
          "{} clips{}, {} different recordings: {} extracted now, {} in the cache before{}{}; {} "
          "clips without features; in {}\n",
          result.utterances, copies, result.contents, result.extracted, result.from_cache,
          common.verify ? " and verified" : "", others, result.bad.size(),
          one_line(result.folder.string()));
      if (result.extracted > 0) console.note(where_time_went(result));
      return exit_done;
    };
  });
}

}  // namespace serenade::app
