#include "pipeline/features/hdf5.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/device/error.h"

namespace serenade::hdf5 {
namespace {

using Path = std::filesystem::path;

std::mutex& mutex() {
  static std::mutex one;
  return one;
}

/// Keeps the description of the innermost error, where the reason stands.
herr_t keep_first(unsigned position, const H5E_error2_t* error, void* text) {
  if (position == 0 && error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

}  // namespace

Lock::Lock() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

void fail(const std::filesystem::path& file, std::string_view doing) {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &reason);
  throw IoError(fmt::format("{}: cannot {}: {}", file.string(), doing,
                            reason.empty() ? "HDF5 gives no reason" : "HDF5 says " + reason));
}

Handle string_type(std::size_t length, const Path& file) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, file, "describe text");
  check(H5Tset_size(type.get(), std::max<std::size_t>(length, 1)), file, "describe text");
  check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), file, "describe text");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), file, "describe text");
  return type;
}

Handle simple_space(std::initializer_list<Index> extents, const Path& file) {
  const std::vector<hsize_t> sizes(extents.begin(), extents.end());
  return {H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr), H5Sclose, file,
          "describe a dataset"};
}

Handle dataset_options(const Path& file) {
  Handle options(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, file, "write");
  check(H5Pset_obj_track_times(options.get(), false), file, "write");
  return options;
}

Handle create_dataset(const Handle& file, const char* name, const Handle& type, const Handle& space,
                      const Handle& options, const Path& path) {
  return {H5Dcreate2(file.get(), name, type.get(), space.get(), H5P_DEFAULT, options.get(),
                     H5P_DEFAULT),
          H5Dclose, path, "write"};
}

void write_strings(const Handle& file, const char* name, std::span<const std::string> texts,
                   const Path& path) {
  std::size_t length = 1;
  for (const auto& text : texts) length = std::max(length, text.size());
  std::string block;
  for (const auto& text : texts) block += text + std::string(length - text.size(), '\0');
  const Handle type = string_type(length, path);
  const Handle options = dataset_options(path);
  check(H5Pset_fill_time(options.get(), H5D_FILL_TIME_NEVER), path, "write");
  const auto data = create_dataset(
      file, name, type, simple_space({static_cast<Index>(texts.size())}, path), options, path);
  check(H5Dwrite(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, block.data()), path,
        "write");
}

Image build_image(const Path& path, std::size_t expected_bytes, H5F_libver_t newest,
                  const std::function<void(const Handle& file)>& fill) {
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, path, "write");
  const std::size_t increment = expected_bytes + (std::size_t{1} << 16U);
  check(H5Pset_fapl_core(access.get(), increment, /*backing_store=*/false), path, "write");
  check(H5Pset_libver_bounds(access.get(), H5F_LIBVER_EARLIEST, newest), path, "write");
  check(H5Pset_alignment(access.get(), /*threshold=*/512, /*alignment=*/64), path, "write");
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, path, "write");
  check(H5Pset_obj_track_times(creation.get(), false), path, "write");
  const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose,
                    path, "write");
  fill(file);
  check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), path, "write");

  Image image;
  image.size =
      static_cast<std::size_t>(check(H5Fget_file_image(file.get(), nullptr, 0), path, "write"));
  image.bytes = std::make_unique_for_overwrite<std::byte[]>(image.size);
  check(H5Fget_file_image(file.get(), image.bytes.get(), image.size), path, "write");
  return image;
}

}  // namespace serenade::hdf5
