#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/device/context.h"

namespace serenade::test {

/// What a training step does besides its layers: optimizers, averages, norms, records. Each takes
/// many arrays at once, of sizes around those of warps, blocks and chunks, and none.
struct TrainingOperation {
  std::string name;
  /// Everything that it wrote, end to end, brought to the host.
  std::function<std::vector<double>(Context&)> run;
  /// Largest difference between two devices over the largest number, or over 1: a handful of
  /// float32 roundings a step for optimizers, whose divisions and fused products compilers may
  /// order otherwise; nothing for what is only moved.
  double tolerance = 0;
};

inline void PrintTo(const TrainingOperation& operation, std::ostream* out) {
  *out << operation.name;
}

std::vector<TrainingOperation> training_operations();

/// The CPU's numbers and a device's.
void expect_close(const TrainingOperation& operation, const std::vector<double>& cpu,
                  const std::vector<double>& found);

}  // namespace serenade::test
