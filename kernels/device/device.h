#pragma once

#include <string_view>

namespace serenade {

/// Where a tensor lives and where an operation runs.
enum class Device { cpu, cuda };

constexpr std::string_view to_string(Device device) {
  return device == Device::cpu ? "cpu" : "cuda";
}

/// True in builds that hold the `cuda` twins. Dispatchers guard every call of one with
/// `if constexpr (has_cuda)`, so that a build without them links: a discarded statement does not
/// use the function it names.
#ifdef SERENADE_HAS_CUDA
inline constexpr bool has_cuda = true;
#else
inline constexpr bool has_cuda = false;
#endif

}  // namespace serenade
