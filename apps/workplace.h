#pragma once

#include <fmt/format.h>

#include <string>

#include "apps/commands.h"
#include "pipeline/experiment/environment.h"
#include "pipeline/experiment/experiment.h"

namespace serenade::app {

/// The context of one command, and the Workplace it makes with the console.
class Session {
 public:
  Session(const Common& common, Console& console) : common_(common), console_(console) {
    context_ = Context(common.threads);
    device_ = choose_device(common.device, context_);
    if (device_.device != Device::cpu) context_ = Context(device_.device, common.threads);
    console_.note(device_.text);
  }

  Context& context() { return context_; }

  /// `config_name` is for the report.
  Workplace workplace(const std::string& config_name = "") {
    Workplace place(context_, console_);
    place.features = device_.device;
    place.device_memory = common_.device_memory_mib << 20U;
    place.cache = common_.cache;
    place.runs = common_.runs;
    place.verify = common_.verify;
    place.config_name = config_name;
    place.command = common_.command_line;
    place.on_run_folder = [this](const RunFolder& folder) {
      console_.log_to(folder.file(run_file::log),
                      {common_.command_line, fmt::format("serenade {} ({}), {}", program_version(),
                                                         git_revision(), device_.text)});
    };
    return place;
  }
  Workplace workplace(const RunArguments& arguments) {
    Workplace place = workplace(arguments.file);
    place.force = arguments.force;
    place.resume = arguments.resume;
    return place;
  }

 private:
  const Common& common_;
  Console& console_;
  DeviceChoice device_;
  Context context_;
};

}  // namespace serenade::app
