#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/device/context.h"

namespace serenade {

/// "0.1.0", of the program.
std::string program_version();
/// Short git revision it was built from, "+" behind it where files had been changed, or "unknown".
std::string git_revision();

/// What a result depends on besides its configuration, in order of interest: version, devices,
/// threads, processor, vector path, compiler, libraries as found at run time.
std::vector<std::pair<std::string, std::string>> environment(const Context& context,
                                                             Device features);

/// How the context's convolutions have been done on the GPU so far, a line for each shape and pass:
/// cuDNN's engine, knobs and notes, or why an own kernel did it. None on the CPU and without cuDNN.
std::vector<std::string> convolution_plans(Context& context);

/// Throws DeviceError unless this processor can run what the program was built for and the vector
/// path that the environment asks for; ConfigError where that names none (vector_path.h).
void expect_supported_processor();

/// What `--device auto|cpu|cuda` came to.
struct DeviceChoice {
  Device device = Device::cpu;
  std::string text;  ///< one line: what was chosen and why
};
/// Throws ConfigError for another word and DeviceError where the device asked for is not to be had.
DeviceChoice choose_device(const std::string& device, const Context& context);

}  // namespace serenade
