// Shards of the feature cache. What is tried are our checks, before libhdf5 sees a file (its bytes
// must fit the side file) and after (every number of the table of clips is compared with the
// matrix); crashes of libhdf5 itself on crafted metadata are not ours, so its metadata is left as
// it wrote it, and the table and the numbers are whatever the fuzzer likes, with a side file that
// fits.
#include <hdf5.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/device/error.h"
#include "pipeline/features/shard.h"
#include "pipeline/support/files.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/temporary_memory_folder.h"

namespace {

using serenade::Index;
constexpr Index dims = 3;
constexpr int number = 7;

serenade::ShardFormat format() { return {{"a", "b", "c"}, "options"}; }

/// A good shard of four clips, and where its tables lie.
struct Pattern {
  Pattern() {
    std::vector<serenade::ClipRows> clips(4);
    for (std::size_t i = 0; i < clips.size(); ++i) {
      clips[i].content = {i + 1, i};
      clips[i].rows.resize({static_cast<Index>(i), dims});
      if (i == 0) clips[i].error = "no sound";
    }
    const serenade::fuzz::TemporaryMemoryFolder folder;
    serenade::write_shard(folder.path(), number, format(), clips);
    const auto path = folder.path() / serenade::shard_name(number);
    bytes = serenade::read_file(path, std::size_t{1} << 20U);
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    for (const char* name : {"clips", "features"}) {
      const hid_t data = H5Dopen2(file, name, H5P_DEFAULT);
      places.push_back({H5Dget_offset(data), H5Dget_storage_size(data)});
      H5Dclose(data);
    }
    H5Fclose(file);
  }
  struct Place {
    std::size_t begin, size;
  };
  std::string bytes;
  std::vector<Place> places;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Pattern pattern;
  static const serenade::fuzz::TemporaryMemoryFolder folder;
  std::string bytes = pattern.bytes;
  const bool fits = size == 0 || data[0] % 16 != 0;
  std::size_t at = std::min<std::size_t>(size, 1);
  for (const auto& place : pattern.places) {
    const std::size_t count = std::min(size - at, place.size);
    std::memcpy(bytes.data() + place.begin, data + at, count);
    at += count;
  }
  char side[64];
  std::snprintf(side, sizeof side, "%016llx  %s\n",
                static_cast<unsigned long long>(XXH3_64bits(bytes.data(), bytes.size())),
                serenade::shard_name(number).c_str());
  if (!fits) bytes.back() = static_cast<char>(bytes.back() + 1);
  folder.write(serenade::shard_hash_name(number), {side, std::strlen(side)});
  folder.write(serenade::shard_name(number), bytes);
  try {
    const serenade::Shard shard(folder.path(), number, format());
    serenade::fuzz::require(fits);
    for (std::size_t i = 0; i < shard.clips().size(); ++i) {
      try {
        float sum = 0;
        for (const float x : shard.rows(i).span()) sum += x;
        serenade::fuzz::require(std::isnan(sum) || sum <= sum);
      } catch (const serenade::DataError&) {
      }
    }
  } catch (const serenade::Error&) {
  }
  return 0;
}
