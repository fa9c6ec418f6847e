#pragma once

#include <hdf5.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "kernels/device/tensor.h"

/// The little of HDF5's C interface that the cache uses, with errors as exceptions.
namespace serenade::hdf5 {

/// Held by whoever calls HDF5: the library as Debian builds it serves one thread at a time. Keeps
/// it from printing its errors.
class Lock {
 public:
  Lock();

 private:
  std::lock_guard<std::mutex> lock_;
};

/// Throws IoError: "FILE: cannot DOING: what HDF5 says".
[[noreturn]] void fail(const std::filesystem::path& file, std::string_view doing);

/// Where HDF5 returns something negative, fails.
template <class Status>
Status check(Status status, const std::filesystem::path& file, std::string_view doing) {
  if (status < 0) fail(file, doing);
  return status;
}

/// An HDF5 identifier, closed at the end.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  /// Fails where `id` is none.
  Handle(hid_t id, Close close, const std::filesystem::path& file, std::string_view doing)
      : id_(check(id, file, doing)), close_(close) {}
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  hid_t get() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

/// Text of a fixed length, UTF-8, padded with zeros.
Handle string_type(std::size_t length, const std::filesystem::path& file);
Handle simple_space(std::initializer_list<Index> extents, const std::filesystem::path& file);
/// Options of a dataset without times, so that bytes do not tell when they were written.
Handle dataset_options(const std::filesystem::path& file);
Handle create_dataset(const Handle& file, const char* name, const Handle& type, const Handle& space,
                      const Handle& options, const std::filesystem::path& path);
/// A dataset [texts].
void write_strings(const Handle& file, const char* name, std::span<const std::string> texts,
                   const std::filesystem::path& path);

/// The bytes of an HDF5 file.
struct Image {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
  std::span<const std::byte> span() const { return {bytes.get(), size}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes.get()), size}; }
};

/// Has `fill` write a file in memory, without touching a disk: a full one is then an ordinary error
/// of whoever writes the bytes. They depend on what is written alone. `newest` is the newest
/// version of the format it may have, `expected_bytes` saves growing. The lock must be held; `path`
/// is for messages.
Image build_image(const std::filesystem::path& path, std::size_t expected_bytes,
                  H5F_libver_t newest, const std::function<void(const Handle& file)>& fill);

}  // namespace serenade::hdf5
