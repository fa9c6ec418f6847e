#include "tests/support/golden.h"

#include <fmt/format.h>
#include <hdf5.h>

#include "kernels/device/error.h"

namespace serenade::test {
namespace {

/// An HDF5 identifier, closed at the end; IoError where it is none.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) {
    if (id < 0) throw IoError("golden data: cannot open " + what);
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

}  // namespace

std::filesystem::path golden_folder() { return SERENADE_GOLDEN_DIR; }

Golden::Golden(const std::string& file_name) : path_(golden_folder() / file_name) {}

GoldenArray Golden::operator[](const std::string& name) const {
  const std::string what = path_.string() + ":" + name;
  const Handle file(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path_.string());
  const Handle data(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Handle space(H5Dget_space(data.get()), H5Sclose, what);
  std::vector<hsize_t> extents(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space.get())));
  H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr);
  GoldenArray array;
  array.shape.assign(extents.begin(), extents.end());
  array.values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space.get())));
  if (H5Dread(data.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, array.values.data()) <
      0) {
    throw IoError("golden data: cannot read " + what);
  }
  return array;
}

std::vector<std::string> Golden::groups(const std::string& group) const {
  const Handle file(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path_.string());
  const Handle node(H5Gopen2(file.get(), group.empty() ? "/" : group.c_str(), H5P_DEFAULT),
                    H5Gclose, path_.string() + ":" + group);
  H5G_info_t info{};
  H5Gget_info(node.get(), &info);
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t length =
        H5Lget_name_by_idx(node.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    std::string name(static_cast<std::size_t>(length) + 1, '\0');
    H5Lget_name_by_idx(node.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(),
                       H5P_DEFAULT);
    name.pop_back();
    const std::string full = group.empty() ? name : group + "/" + name;
    H5O_info_t object{};
    H5Oget_info_by_name(file.get(), full.c_str(), &object, H5P_DEFAULT);
    if (object.type == H5O_TYPE_GROUP) names.push_back(name);
  }
  return names;
}

}  // namespace serenade::test
