#pragma once

#include <vector>

#include "kernels/device/device.h"
#include "kernels/device/memory.h"

namespace serenade::test {

/// The devices that this build has and this machine can use.
inline std::vector<Device> all_devices() {
  std::vector<Device> all{Device::cpu};
  if constexpr (has_cuda) {
    if (!cuda::devices().empty()) all.push_back(Device::cuda);
  }
  return all;
}

}  // namespace serenade::test
