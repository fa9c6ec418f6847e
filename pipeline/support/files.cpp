#include "pipeline/support/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "kernels/device/error.h"

namespace serenade {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, std::string_view doing) {
  throw IoError(fmt::format("{}: {}: {}", path.string(), doing, std::strerror(errno)));
}

constexpr std::string_view temporary_mark = ".tmp-";

/// A file descriptor, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  auto temporary = path;
  temporary += fmt::format("{}{}", temporary_mark, ::getpid());
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) fail(temporary, "cannot create");
    const char* at = text.data();
    std::size_t left = text.size();
    while (left > 0) {
      const ssize_t wrote = ::write(file.get(), at, left);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) {
        const int reason = errno;
        ::unlink(temporary.c_str());
        errno = reason;
        fail(path, "cannot write");
      }
      at += wrote;
      left -= static_cast<std::size_t>(wrote);
    }
    if (::fsync(file.get()) != 0) {
      const int reason = errno;
      ::unlink(temporary.c_str());
      errno = reason;
      fail(path, "cannot write");
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary.c_str());
    errno = reason;
    fail(path, "cannot rename into place");
  }
  sync_to_disk(path.has_parent_path() ? path.parent_path() : ".");
}

void expect_regular_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return;
  const char* what = "a device";
  if (S_ISDIR(status.st_mode)) what = "a folder";
  if (S_ISFIFO(status.st_mode)) what = "a pipe";
  if (S_ISSOCK(status.st_mode)) what = "a socket";
  throw IoError(fmt::format("{}: is not a file but {}", path.string(), what));
}

std::string read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  expect_regular_file(path);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail(path, "cannot open");
  std::string text;
  std::string block(std::size_t{1} << 16U, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot read");
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > max_bytes) {
      throw IoError(fmt::format("{}: longer than {} bytes, which no such file should be",
                                path.string(), max_bytes));
    }
  }
}

std::string unfinished_name(const std::string& file_name) {
  const auto at = file_name.rfind(temporary_mark);
  return at == std::string::npos ? "" : file_name.substr(0, at);
}

void remove_leftovers(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (unfinished_name(entry.path().filename().string()) == path.filename().string()) {
      leftovers.push_back(entry.path());
    }
  }
  for (const auto& leftover : leftovers) std::filesystem::remove(leftover, ignored);
}

std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> entries;
  std::error_code error;
  std::filesystem::directory_iterator listing(folder, error);
  for (; !error && listing != std::filesystem::directory_iterator(); listing.increment(error)) {
    entries.push_back(listing->path());
  }
  if (error) {
    throw IoError(fmt::format("{}: cannot be listed: {}", folder.string(), error.message()));
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return entries;
}

void make_folders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw IoError(fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
  }
}

void sync_to_disk(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail(path, "cannot open");
  // Some file systems cannot sync a folder and say EINVAL: the rename is then as safe as they get.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail(path, "cannot sync");
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  expect_regular_file(path);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail(path, "cannot open");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, "cannot read");
  device_ = status.st_dev;
  inode_ = status.st_ino;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) fail(path, "cannot map");
  bytes_ = {static_cast<const std::byte*>(data), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());  // NOLINT: munmap's signature
  }
}

bool MappedFile::was_truncated() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return false;
  return status.st_dev == device_ && status.st_ino == inode_ &&
         static_cast<std::size_t>(status.st_size) < bytes_.size();
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

}  // namespace serenade
