// Any text as an experiment: refused with a typed error, or read, resolved and read again the same.
#include <string>

#include "kernels/device/error.h"
#include "pipeline/experiment/config.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string resolved;
  try {
    resolved = resolved_yaml(serenade::parse_experiment(text, "experiment.yaml"));
  } catch (const serenade::Error&) {
    return 0;
  }
  const auto again = serenade::parse_experiment(resolved, "resolved.yaml");
  serenade::fuzz::require(resolved_yaml(again) == resolved);
  return 0;
}
