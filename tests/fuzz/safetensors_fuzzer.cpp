// Any bytes as a safetensors file, and the contents as a model. A model's hash guards against
// accidents, not malice: it is put right here, so that what lies behind it is reached.
#include "kernels/device/error.h"
#include "pipeline/model/model_file.h"
#include "pipeline/model/safetensors.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const serenade::fuzz::MemoryFile file(data, size);
  try {
    serenade::Safetensors contents = serenade::read_safetensors(file.path());
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : contents.tensors) {
      bytes += static_cast<std::size_t>(shape_of(tensor).size()) * sizeof(float);
    }
    serenade::fuzz::require(bytes <= size);
    sign(contents);
    (void)serenade::assemble_model(std::move(contents));
  } catch (const serenade::Error&) {
  }
  return 0;
}
