// Any text as a CSV manifest: refused with an error, or entries that are whole.
#include <string_view>

#include "kernels/device/error.h"
#include "pipeline/corpus/manifest.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    for (const auto& entry : serenade::parse_manifest(
             std::string_view(reinterpret_cast<const char*>(data), size), "input")) {
      serenade::fuzz::require(!entry.file.empty() && !entry.speaker.empty() && entry.line > 1);
    }
  } catch (const serenade::Error&) {
  }
  return 0;
}
