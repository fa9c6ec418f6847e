#pragma once

#include <cstddef>

namespace emulation {

/// What a block may have: the least of the devices that the program is built for (compute
/// capabilities 8.0 to 12.0), from NVIDIA's table of technical specifications per capability.
struct Target {
  std::size_t shared_static = 48U << 10U;
  std::size_t shared_optin = 99U << 10U;
  std::size_t memory = std::size_t{8} << 30U;
  int major = 8;
  int minor = 0;
  int multiprocessors = 108;
};

/// The device that is emulated. Tests may change it: no device, little memory, an old driver.
struct Machine {
  Target device;
  int devices = 1;
  int old_devices = 0;  ///< the first so many of them are too old for the program
  int driver_version = 13000;
  bool multiplies = true;  ///< cuBLASLt has algorithms for matrix products
  /// So many captures from now on are ended, each after so many pieces of work, by something that
  /// is no fault of the one who captures.
  int spoilt_captures = 0, works_before = 0;
};
Machine& machine();
inline const Target& target() { return machine().device; }

}  // namespace emulation
