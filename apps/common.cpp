#include "apps/commands.h"
#include "pipeline/experiment/environment.h"

namespace serenade::app {

void add_config_arguments(CLI::App& command, ConfigArguments& arguments) {
  command.add_option("config", arguments.file, "the experiment, a YAML file")
      ->required()
      ->type_name("CONFIG");
  command
      .add_option("overrides", arguments.overrides,
                  "changes to it, as in training.epochs=3 corpus.path=/data/ravdess")
      ->type_name("KEY.PATH=VALUE");
}

void add_verify_flag(CLI::App& command, Common& common) {
  command.add_flag("--verify", common.verify,
                   "read all recordings and cached features again, also those that nobody touched "
                   "since they were read last");
}

void add_run_arguments(CLI::App& command, Common& common, RunArguments& arguments) {
  add_config_arguments(command, arguments);
  add_verify_flag(command, common);
  CLI::Option* overwrite = command.add_flag("--force", arguments.force, "overwrite a finished run");
  command
      .add_flag("--resume", arguments.resume,
                "go on with a run that was interrupted, or raise its training.epochs (not where "
                "the schedule is cosine or one_cycle, or with training.swa), and fail where there "
                "is none. Without it an interrupted run of the same configuration goes on by "
                "itself, and the epochs of one of another configuration are dropped")
      ->excludes(overwrite);
}

}  // namespace serenade::app
