#pragma once

#include <cstdint>

#include "kernels/nn/step.h"

namespace serenade {

/// What an augmentation's draws hang on besides the clip: with another step a clip is changed in
/// another way. Only training has steps.
struct AugmentationKey {
  std::uint64_t seed = 0;
  CurrentStep step;
};

}  // namespace serenade
