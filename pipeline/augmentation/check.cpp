#include "pipeline/augmentation/options.h"

#include <fmt/format.h>

#include "kernels/device/error.h"

namespace serenade {

void check(const AugmentationOptions& options, bool sequences) {
  check_ranges(options);
  if (options.frequency_columns && options.frequency_shift == 0) {
    throw ConfigError(
        "augmentation.frequency_columns says which columns move, but augmentation.frequency_shift "
        "is 0: set it above 0, or leave frequency_columns out");
  }
  if (sequences) return;
  const auto refuse = [](std::string_view key, bool set) {
    if (!set) return;
    throw ConfigError(fmt::format(
        "augmentation.{} is for sequences, but features.statistics makes one vector of a clip: "
        "leave one of the two out (augmentation.mixup works with both)",
        key));
  };
  refuse("crop", options.crop != Crop::centre);
  refuse("frequency_shift", options.frequency_shift > 0);
  refuse("spec_augment", options.spec_augment.has_value());
}

void check(const AugmentationOptions& options, bool sequences, Index dims) {
  check(options, sequences);
  if (!options.frequency_columns) return;
  const auto& [first, count] = *options.frequency_columns;
  if (Index{first} + count <= dims) return;
  throw ConfigError(
      fmt::format("augmentation.frequency_columns are the {} from {} on, but the features have {} "
                  "columns",
                  count, first, dims));
}

}  // namespace serenade
