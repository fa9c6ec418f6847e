#include "pipeline/training/options.h"

#include <fmt/format.h>

#include <limits>

#include "kernels/device/error.h"

namespace serenade {

std::string planned_over_epochs(const TrainingOptions& options) {
  const ScheduleName schedule = options.schedule.name;
  if (schedule == ScheduleName::cosine || schedule == ScheduleName::one_cycle) {
    return fmt::format("training.schedule.name is {}, which lays the learning rate out",
                       enum_name(schedule));
  }
  return options.swa ? "training.swa is set, which lays its average out" : "";
}

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
  if (!options.swa) return;
  check_ranges(*options.swa);
  if (options.ema) {
    throw ConfigError(
        "training has both ema and swa, but one average of the weights is kept: set one of them to "
        "null");
  }
  if (options.checkpoint.keep != Keep::last) {
    throw ConfigError(
        "training.swa keeps the average over the last epochs, but training.checkpoint.keep is "
        "best: set it to last, or training.swa to null");
  }
  if (options.early_stopping) {
    throw ConfigError(
        "training.swa averages the last of the planned epochs, which training.early_stopping may "
        "leave out: set one of them to null");
  }
}

std::size_t max_copied_bytes(CacheInMemory option) {
  switch (option) {
    case CacheInMemory::automatic:
      return std::size_t{256} << 20U;
    case CacheInMemory::always:
      return std::numeric_limits<std::size_t>::max();
    case CacheInMemory::never:
      break;
  }
  return 0;
}

}  // namespace serenade
