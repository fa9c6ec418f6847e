#include "pipeline/support/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"

namespace serenade {
namespace {

bool set_lock(int fd, std::int64_t number, short type, int command) {
  struct flock request {};
  request.l_type = type;
  request.l_whence = SEEK_SET;
  request.l_start = number;
  request.l_len = 1;
  int result = 0;
  do {
    result = ::fcntl(fd, command, &request);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

}  // namespace

LockFile::Held::~Held() {
  if (fd_ >= 0) set_lock(fd_, number_, F_UNLCK, F_OFD_SETLK);
}
LockFile::Held::Held(Held&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), number_(other.number_) {}
LockFile::Held& LockFile::Held::operator=(Held&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(number_, other.number_);
  return *this;
}

LockFile::LockFile(const std::filesystem::path& path) : path_(path), fd_(-1) {
  expect_regular_file(path);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) throw IoError(fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

LockFile::~LockFile() { ::close(fd_); }

std::optional<LockFile::Held> LockFile::try_lock(std::int64_t number) const {
  if (set_lock(fd_, number, F_WRLCK, F_OFD_SETLK)) return Held(fd_, number);
  if (errno == EAGAIN || errno == EACCES) return std::nullopt;
  throw IoError(fmt::format("{}: cannot lock: {}", path_.string(), std::strerror(errno)));
}

LockFile::Held LockFile::wait(std::int64_t number) const {
  if (set_lock(fd_, number, F_WRLCK, F_OFD_SETLKW)) return {fd_, number};
  throw IoError(fmt::format("{}: cannot lock: {}", path_.string(), std::strerror(errno)));
}

}  // namespace serenade
