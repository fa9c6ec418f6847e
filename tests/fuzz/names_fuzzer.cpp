// Any text as the name of a recording, for every reader.
#include <string_view>

#include "pipeline/corpus/ravdess.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  if (const auto ravdess = serenade::parse_ravdess_name(name)) {
    serenade::fuzz::require(ravdess->emotion >= 1 && ravdess->emotion <= 8);
    serenade::fuzz::require(!ravdess_fields(*ravdess).at("actor").empty());
  }
  return 0;
}
