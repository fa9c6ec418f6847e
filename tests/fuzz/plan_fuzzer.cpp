// Any text as a plan of shards: understood, or reported as damaged.
#include "pipeline/features/plan.h"

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/temporary_memory_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const serenade::fuzz::TemporaryMemoryFolder folder;
  folder.write(serenade::plan_name(0), {reinterpret_cast<const char*>(data), size});
  std::size_t damaged = 0;
  const auto plans = serenade::read_plans(
      folder.path(), [&](const std::filesystem::path&, const std::string&) { ++damaged; });
  serenade::fuzz::require(plans.size() + damaged == 1);
  for (const auto& plan : plans) {
    for (const auto& shard : plan.shards) serenade::fuzz::require(!shard.clips.empty());
  }
  return 0;
}
