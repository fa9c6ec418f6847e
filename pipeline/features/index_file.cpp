#include "pipeline/features/index_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "pipeline/features/hdf5.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

using hdf5::check;
using hdf5::Handle;
using Path = std::filesystem::path;

constexpr std::size_t hash_digits = 32;

/// A row of `clips` between its content and its error, as it lies in memory and in the file.
struct Record {
  std::uint64_t frame_offset, frames, samples, sample_rate, shard;
};

Handle record_type(std::size_t error_length, const Path& path) {
  constexpr std::string_view doing = "describe clips";
  constexpr std::size_t numbers = hash_digits;
  Handle type(H5Tcreate(H5T_COMPOUND, numbers + sizeof(Record) + error_length), H5Tclose, path,
              doing);
  const auto add = [&](const char* name, std::size_t offset, hid_t field) {
    check(H5Tinsert(type.get(), name, offset, field), path, doing);
  };
  add("content", 0, hdf5::string_type(hash_digits, path).get());
  add("frame_offset", numbers + offsetof(Record, frame_offset), H5T_STD_U64LE);
  add("frames", numbers + offsetof(Record, frames), H5T_STD_U64LE);
  add("samples", numbers + offsetof(Record, samples), H5T_STD_U64LE);
  add("sample_rate", numbers + offsetof(Record, sample_rate), H5T_STD_U64LE);
  add("shard", numbers + offsetof(Record, shard), H5T_STD_U64LE);
  add("error", numbers + sizeof(Record), hdf5::string_type(error_length, path).get());
  return type;
}

void write_clips(const Handle& file, const FeatureCache& cache, const Path& path) {
  std::size_t error_length = 1;
  Index count = 0;
  for (const auto& [number, shard] : cache.shards()) {
    count += static_cast<Index>(shard->clips().size());
    for (const ShardClip& clip : shard->clips()) {
      error_length = std::max(error_length, clip.error.size());
    }
  }
  std::string block;
  Index first_frame = 0;
  for (const auto& [number, shard] : cache.shards()) {
    for (const ShardClip& clip : shard->clips()) {
      const Record record{
          static_cast<std::uint64_t>(first_frame + clip.frame_offset),
          static_cast<std::uint64_t>(clip.frames), static_cast<std::uint64_t>(clip.samples),
          static_cast<std::uint64_t>(clip.sample_rate), static_cast<std::uint64_t>(number)};
      block += to_string(clip.content);
      block.append(reinterpret_cast<const char*>(&record), sizeof record);
      block += clip.error + std::string(error_length - clip.error.size(), '\0');
    }
    first_frame += shard->frames();
  }
  const Handle type = record_type(error_length, path);
  const Handle data = hdf5::create_dataset(file, "clips", type, hdf5::simple_space({count}, path),
                                           hdf5::dataset_options(path), path);
  check(H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, block.data()), path,
        "write");
}

void write_features(const Handle& file, const FeatureCache& cache, Index frames, const Path& path) {
  const Index dims = cache.format().dims();
  const Handle space = hdf5::simple_space({frames, dims}, path);
  const Handle options = hdf5::dataset_options(path);
  const float nothing = std::numeric_limits<float>::quiet_NaN();
  check(H5Pset_fill_value(options.get(), H5T_NATIVE_FLOAT, &nothing), path, "write");
  hsize_t begin = 0;
  for (const auto& [number, shard] : cache.shards()) {
    if (shard->frames() == 0) continue;
    const std::array<hsize_t, 2> start{begin, 0};
    const std::array<hsize_t, 2> extent{static_cast<hsize_t>(shard->frames()),
                                        static_cast<hsize_t>(dims)};
    const Handle part = hdf5::simple_space({frames, dims}, path);
    check(H5Sselect_hyperslab(part.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(),
                              nullptr),
          path, "write");
    const Handle source = hdf5::simple_space({shard->frames(), dims}, path);
    check(H5Pset_virtual(options.get(), part.get(), shard_name(number).c_str(), "features",
                         source.get()),
          path, "write");
    begin += extent[0];
  }
  const Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose, path, "write");
  hdf5::create_dataset(file, "features", type, space, options, path);
}

}  // namespace

void write_index(const FeatureCache& cache) {
  const Path path = cache.folder() / index_name;
  Index frames = 0;
  for (const auto& [number, shard] : cache.shards()) frames += shard->frames();
  if (frames == 0) return;
  hdf5::Image image;
  {
    const hdf5::Lock lock;
    image = hdf5::build_image(path, 0, H5F_LIBVER_LATEST, [&](const Handle& file) {
      write_features(file, cache, frames, path);
      write_clips(file, cache, path);
      hdf5::write_strings(file, "columns", cache.format().columns, path);
      hdf5::write_strings(file, "options", {&cache.format().options, 1}, path);
    });
  }
  write_file_atomically(path, image.text());
}

}  // namespace serenade
