#pragma once

#include <string>

#include "apps/commands.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/experiment/experiment.h"

namespace serenade::app {

/// Console and context of one command, and the Workplace they make.
class Session {
 public:
  explicit Session(const Common& common) : common_(common), console_(common.console) {
    std::string choice;
    context_ = make_context(common.device, common.threads, choice);
    console_.note(choice);
  }

  Console& console() { return console_; }
  Context& context() { return context_; }

  Workplace workplace(const std::string& config_name = "", bool force = false) {
    Workplace place(context_, console_);
    place.cache = common_.cache;
    place.runs = common_.runs;
    place.force = force;
    place.config_name = config_name;
    place.command = common_.command_line;
    place.on_run_folder = [this](const RunFolder& folder) {
      console_.log_to(folder.file(run_file::log));
    };
    return place;
  }

 private:
  const Common& common_;
  Console console_;
  Context context_;
};

}  // namespace serenade::app
