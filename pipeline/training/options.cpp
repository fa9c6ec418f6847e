#include "pipeline/training/options.h"

#include <fmt/format.h>

#include "kernels/device/error.h"

namespace serenade {

void check(const TrainingOptions& options, bool has_validation) {
  check_ranges(options);
  const auto expect_known = [&](std::string_view key, Monitor monitor, std::string_view otherwise) {
    if (has_validation || !needs_validation(monitor)) return;
    throw ConfigError(
        fmt::format("training.{}.monitor is {} but the split holds out no validation part: set "
                    "split.validation above 0, or training.{}.monitor to {}{}",
                    key, enum_name(monitor), key, enum_name(monitor).substr(4), otherwise));
  };
  if (options.schedule.name == ScheduleName::reduce_on_plateau) {
    expect_known("schedule", options.schedule.monitor, "");
  }
  if (options.schedule.warmup_epochs > 0 && options.schedule.warmup_steps > 0) {
    throw ConfigError(
        "training.schedule has both warmup_epochs and warmup_steps: set one of them to 0");
  }
  if (options.schedule.warmup_epochs >= options.epochs) {
    throw ConfigError(
        fmt::format("training.schedule.warmup_epochs is {} but must be less than the {} of "
                    "training.epochs",
                    options.schedule.warmup_epochs, options.epochs));
  }
  if (options.checkpoint.keep == Keep::best) {
    expect_known("checkpoint", options.checkpoint.monitor, ", or training.checkpoint.keep to last");
  }
  if (options.early_stopping) {
    check_ranges(*options.early_stopping);
    expect_known("early_stopping", options.early_stopping->monitor, "");
  }
}

}  // namespace serenade
