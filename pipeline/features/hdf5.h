#pragma once

#include <hdf5.h>

#include <filesystem>
#include <mutex>
#include <string_view>
#include <utility>

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

}  // namespace serenade::hdf5
