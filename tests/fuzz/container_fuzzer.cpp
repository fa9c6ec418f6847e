// Any bytes as a WAV or AIFF header; the chunks are walked by our own code, before libsndfile.
#include "pipeline/audio/container.h"
#include "pipeline/audio/endless_header.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const serenade::fuzz::MemoryFile file(data, size);
  if (const auto length = serenade::stated_length(file.path())) {
    serenade::fuzz::require(length->frame_bytes > 0);
    serenade::fuzz::require(length->present_bytes <= size);
  }
  if (const auto reason = serenade::endless_header(file.path())) {
    serenade::fuzz::require(!reason->empty());
  }
  return 0;
}
