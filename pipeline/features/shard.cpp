#include "pipeline/features/shard.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <limits>

#include "kernels/device/error.h"
#include "pipeline/features/hdf5.h"

namespace serenade {
namespace {

static_assert(std::endian::native == std::endian::little, "shards are mapped as they lie on disk");

using hdf5::check;
using hdf5::create_dataset;
using hdf5::Handle;
using hdf5::simple_space;
using hdf5::string_type;
using Path = std::filesystem::path;

std::uint64_t hash_of(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}
std::uint64_t hash_of(std::span<const float> numbers) { return hash_of(std::as_bytes(numbers)); }

/// What the side file holds, in the manner of the sum tools: digits, two blanks, the file's name.
std::string side_text(std::uint64_t hash, int number) {
  return fmt::format("{:016x}  {}\n", hash, shard_name(number));
}

/// A row of `clips` up to its error text, as it lies in memory and in the file.
struct Record {
  std::uint64_t content_high, content_low;
  std::uint64_t frame_offset, frames, samples;
  std::uint64_t sample_rate;
  std::uint64_t rows_hash;
};

Handle record_type(std::size_t error_length, const Path& path) {
  constexpr std::string_view doing = "describe clips";
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(Record) + error_length), H5Tclose, path, doing);
  const auto add = [&](const char* name, std::size_t offset) {
    check(H5Tinsert(type.get(), name, offset, H5T_STD_U64LE), path, doing);
  };
  add("content_high", offsetof(Record, content_high));
  add("content_low", offsetof(Record, content_low));
  add("frame_offset", offsetof(Record, frame_offset));
  add("frames", offsetof(Record, frames));
  add("samples", offsetof(Record, samples));
  add("sample_rate", offsetof(Record, sample_rate));
  add("rows_xxh3", offsetof(Record, rows_hash));
  const Handle error = string_type(error_length, path);
  check(H5Tinsert(type.get(), "error", sizeof(Record), error.get()), path, doing);
  return type;
}

/// Options of a dataset that is written as a whole.
Handle filled_options(const Path& path) {
  Handle options = hdf5::dataset_options(path);
  check(H5Pset_fill_time(options.get(), H5D_FILL_TIME_NEVER), path, "write");
  return options;
}

void write_features(const Handle& file, std::span<const ClipRows> clips, Index frames, Index dims,
                    const Path& path) {
  const Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose, path, "write");
  const Handle space = simple_space({frames, dims}, path);
  const Handle data = create_dataset(file, "features", type, space, filled_options(path), path);
  hsize_t begin = 0;
  for (const ClipRows& clip : clips) {
    const auto count = static_cast<hsize_t>(clip.rows.shape()[0]);
    if (count == 0) continue;
    const std::array<hsize_t, 2> start{begin, 0};
    const std::array<hsize_t, 2> extent{count, static_cast<hsize_t>(dims)};
    const Handle part = simple_space({clip.rows.shape()[0], dims}, path);
    check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, extent.data(),
                              nullptr),
          path, "write");
    check(H5Dwrite(data.get(), H5T_NATIVE_FLOAT, part.get(), space.get(), H5P_DEFAULT,
                   clip.rows.data()),
          path, "write");
    begin += count;
  }
}

void write_clips(const Handle& file, std::span<const ClipRows> clips, const Path& path) {
  std::size_t error_length = 1;
  for (const auto& clip : clips) error_length = std::max(error_length, clip.error.size());
  std::string block;
  std::uint64_t frame_offset = 0;
  for (const auto& clip : clips) {
    const auto frames = static_cast<std::uint64_t>(clip.rows.shape()[0]);
    const Record record{clip.content.high,
                        clip.content.low,
                        frame_offset,
                        frames,
                        static_cast<std::uint64_t>(clip.samples),
                        static_cast<std::uint64_t>(clip.sample_rate),
                        hash_of(clip.rows.span())};
    block.append(reinterpret_cast<const char*>(&record), sizeof record);
    block += clip.error + std::string(error_length - clip.error.size(), '\0');
    frame_offset += frames;
  }
  const Handle type = record_type(error_length, path);
  const auto data =
      create_dataset(file, "clips", type, simple_space({static_cast<Index>(clips.size())}, path),
                     filled_options(path), path);
  check(H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, block.data()), path,
        "write");
}

hdf5::Image build(const Path& path, const ShardFormat& format, std::span<const ClipRows> clips) {
  const hdf5::Lock lock;
  Index frames = 0;
  for (const auto& clip : clips) frames += clip.rows.shape()[0];
  // Readable by any HDF5, whatever is the newest this library can write. (With the next version of
  // the format, H5Fget_file_image of 1.10.8 gives a superblock that does not fit its checksum.)
  return hdf5::build_image(path, static_cast<std::size_t>(frames * format.dims()) * sizeof(float),
                           H5F_LIBVER_V18, [&](const Handle& file) {
                             write_features(file, clips, frames, format.dims(), path);
                             write_clips(file, clips, path);
                             hdf5::write_strings(file, "columns", format.columns, path);
                             hdf5::write_strings(file, "options", {&format.options, 1}, path);
                           });
}

[[noreturn]] void damaged(const Path& path, std::string_view what) {
  throw DataError(fmt::format("{}: {}", path.string(), what));
}

/// The text beside a shard; where it is absent or much too long, the shard counts as damaged.
std::string read_side_file(const Path& folder, int number) {
  constexpr std::size_t most = 256;
  const Path side = folder / shard_hash_name(number);
  std::error_code error;
  const auto size = std::filesystem::file_size(side, error);
  if (error == std::errc::no_such_file_or_directory) {
    damaged(folder / shard_name(number),
            fmt::format("its hash is missing ({})", shard_hash_name(number)));
  }
  if (!error && size > most) damaged(side, fmt::format("{} bytes are no hash", size));
  return read_file(side, most);
}

/// A shard may have been copied from another folder.
void expect_options(const Handle& file, const std::string& options, const Path& path) {
  const Handle data(H5Dopen2(file.get(), "options", H5P_DEFAULT), H5Dclose, path, "read");
  const Handle type(H5Dget_type(data.get()), H5Tclose, path, "read");
  const Handle space(H5Dget_space(data.get()), H5Sclose, path, "read");
  bool same = false;
  if (H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0 &&
      H5Sget_simple_extent_npoints(space.get()) == 1 &&
      H5Tget_size(type.get()) == std::max<std::size_t>(options.size(), 1)) {
    std::string found(H5Tget_size(type.get()), '\0');
    check(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, found.data()), path,
          "read");
    found.resize(options.size());  // no text is one zero
    same = found == options;
  }
  if (!same) damaged(path, "holds features of other options than this folder's");
}

struct FeaturesPlace {
  std::size_t offset = 0;  // in the file, bytes
  Index frames = 0;
};

/// Where `features` lies; everything HDF5 says about it is compared with the file's size.
FeaturesPlace find_features(const Handle& file, Index dims, std::size_t file_size,
                            const Path& path) {
  const Handle data(H5Dopen2(file.get(), "features", H5P_DEFAULT), H5Dclose, path, "read");
  const Handle type(H5Dget_type(data.get()), H5Tclose, path, "read");
  const Handle space(H5Dget_space(data.get()), H5Sclose, path, "read");
  const Handle layout(H5Dget_create_plist(data.get()), H5Pclose, path, "read");
  std::array<hsize_t, 2> extents{};
  if (H5Tequal(type.get(), H5T_IEEE_F32LE) <= 0 || H5Pget_layout(layout.get()) != H5D_CONTIGUOUS ||
      H5Sget_simple_extent_ndims(space.get()) != 2 ||
      H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr) != 2) {
    damaged(path, "features is no contiguous matrix of float32");
  }
  if (extents[1] != static_cast<hsize_t>(dims)) {
    damaged(path, fmt::format("features has {} columns, these options give {}", extents[1], dims));
  }
  if (extents[0] == 0) return {};
  const haddr_t offset = H5Dget_offset(data.get());
  const std::size_t row = static_cast<std::size_t>(dims) * sizeof(float);
  if (offset == HADDR_UNDEF || offset % sizeof(float) != 0 || offset > file_size ||
      extents[0] > (file_size - offset) / row) {
    damaged(path, "features does not lie within the file");
  }
  return {static_cast<std::size_t>(offset), static_cast<Index>(extents[0])};
}

std::vector<ShardClip> read_clips(const Handle& file, Index frames, std::size_t file_size,
                                  const Path& path) {
  const Handle data(H5Dopen2(file.get(), "clips", H5P_DEFAULT), H5Dclose, path, "read");
  const Handle type(H5Dget_type(data.get()), H5Tclose, path, "read");
  const Handle space(H5Dget_space(data.get()), H5Sclose, path, "read");
  const std::size_t size = H5Tget_size(type.get());
  if (size <= sizeof(Record) || size > sizeof(Record) + max_error_length ||
      H5Tequal(type.get(), record_type(size - sizeof(Record), path).get()) <= 0) {
    damaged(path, "clips is no table of clips");
  }
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count < 0 || static_cast<std::size_t>(count) > file_size / size) {
    damaged(path, "clips does not fit into the file");
  }
  std::vector<char> block(static_cast<std::size_t>(count) * size);
  check(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, block.data()), path, "read");

  std::vector<ShardClip> clips(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < clips.size(); ++i) {
    Record record{};
    const char* at = block.data() + i * size;
    std::memcpy(&record, at, sizeof record);
    const char* error = at + sizeof record;
    const auto total = static_cast<std::uint64_t>(frames);
    if (record.frame_offset > total || record.frames > total - record.frame_offset ||
        record.samples > static_cast<std::uint64_t>(std::numeric_limits<Index>::max()) ||
        record.sample_rate > static_cast<std::uint64_t>(std::numeric_limits<int>::max())) {
      damaged(path, fmt::format("clip {} lies outside of the features", i));
    }
    clips[i] = {{record.content_high, record.content_low},
                static_cast<Index>(record.frame_offset),
                static_cast<Index>(record.frames),
                static_cast<Index>(record.samples),
                static_cast<int>(record.sample_rate),
                record.rows_hash,
                std::string(error, std::find(error, at + size, '\0'))};
  }
  return clips;
}

}  // namespace

std::string shard_name(int number) { return fmt::format("shard-{:05}.h5", number); }
std::string shard_hash_name(int number) { return fmt::format("shard-{:05}.xxh3", number); }

std::optional<int> shard_number(const std::string& file_name) {
  constexpr std::string_view prefix = "shard-";
  if (!file_name.starts_with(prefix)) return std::nullopt;
  int number = -1;
  std::from_chars(file_name.data() + prefix.size(), file_name.data() + file_name.size(), number);
  if (number < 0 || shard_name(number) != file_name) return std::nullopt;
  return number;
}

std::size_t write_shard(const Path& folder, int number, const ShardFormat& format,
                        std::span<const ClipRows> clips) {
  const Path path = folder / shard_name(number);
  const hdf5::Image image = [&] {
    try {
      return build(path, format, clips);
    } catch (const std::bad_alloc&) {
      std::size_t bytes = 0;
      for (const auto& clip : clips) bytes += std::as_bytes(clip.rows.span()).size();
      throw IoError(
          fmt::format("{}: not enough memory to write {} clips, whose features take {} "
                      "MiB, and twice that while they are written",
                      path.string(), clips.size(), bytes >> 20U));
    }
  }();
  // The side file first: where the shard stands, it can be verified.
  write_file_atomically(folder / shard_hash_name(number), side_text(hash_of(image.span()), number));
  write_file_atomically(path, image.text());
  return image.size;
}

Shard::Shard(const Path& folder, int number, const ShardFormat& format, FileMemo* memo)
    : number_(number), dims_(format.dims()), path_(folder / shard_name(number)), file_(path_) {
  const auto compute = [&] { return ContentHash{0, hash_of(file_.bytes())}; };
  const ContentHash hash = memo != nullptr ? memo->remembered(path_, "shard", compute) : compute();
  if (read_side_file(folder, number) != side_text(hash.low, number)) {
    damaged(path_, fmt::format("its bytes do not fit the hash in {}", shard_hash_name(number)));
  }
  const hdf5::Lock lock;
  const Handle file(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path_, "read");
  expect_options(file, format.options, path_);
  const auto place = find_features(file, dims_, file_.bytes().size(), path_);
  features_ = reinterpret_cast<const float*>(file_.bytes().data() + place.offset);
  frames_ = place.frames;
  clips_ = read_clips(file, place.frames, file_.bytes().size(), path_);
  verified_ = std::make_unique<std::atomic<bool>[]>(clips_.size());
}

Tensor<const float> Shard::rows(std::size_t clip) const {
  const ShardClip& listed = clips_.at(clip);
  const Tensor<const float> rows(features_ + listed.frame_offset * dims_, {listed.frames, dims_});
  if (!verified_[clip].load(std::memory_order_relaxed)) {
    if (file_.was_truncated()) {
      damaged(path_, "was truncated since it was opened; delete it and extract again");
    }
    if (hash_of(rows.span()) != listed.rows_hash) {
      damaged(path_, fmt::format("the rows of clip {} were damaged since the file was opened; "
                                 "delete it and extract again",
                                 to_string(listed.content)));
    }
    verified_[clip].store(true, std::memory_order_relaxed);
  }
  return rows;
}

}  // namespace serenade
