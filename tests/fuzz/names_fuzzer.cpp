// Any text as the name of a recording and of its folder, for every reader: refused, or read whole.
#include <string_view>

#include "pipeline/corpus/name_reader.h"
#include "tests/fuzz/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t slash = text.find('/');
  const bool in_folder = slash != std::string_view::npos;
  const std::string_view folder = in_folder ? text.substr(0, slash) : "";
  const std::string_view name = in_folder ? text.substr(slash + 1) : text;
  for (const serenade::NameReader& reader : serenade::name_readers()) {
    const auto recording = reader.read(folder, name);
    if (!recording) continue;
    serenade::fuzz::require(!recording->speaker.empty() && !recording->label.empty());
    const auto again = reader.read("", recording->id);
    serenade::fuzz::require(again && again->id == recording->id &&
                            again->fields == recording->fields);
  }
  return 0;
}
