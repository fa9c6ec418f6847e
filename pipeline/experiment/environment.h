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

/// What a result depends on besides its configuration, in order of interest: version, device,
/// threads, processor, vector path, compiler, libraries as found at run time.
std::vector<std::pair<std::string, std::string>> environment(const Context& context);

/// Throws DeviceError unless this processor can run what the program was built for and the vector
/// path that the environment asks for; ConfigError where that names none (vector_path.h).
void expect_supported_processor();

/// The context for `--device auto|cpu|cuda` and `--threads`; `choice` says in one line what was
/// chosen and why. Throws ConfigError for another word and DeviceError where the device asked for
/// is not to be had.
Context make_context(const std::string& device, int threads, std::string& choice);

}  // namespace serenade
