#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace serenade {

/// Locks between processes, many in one file: its bytes, which need not exist, are locked one by
/// one (open file description locks of Linux). A lock is gone with the process that holds it,
/// however it ends.
class LockFile {
 public:
  /// A lock that is held until this ends. The LockFile must outlive it.
  class Held {
   public:
    ~Held();
    Held(Held&& other) noexcept;
    Held& operator=(Held&& other) noexcept;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    friend class LockFile;
    Held(int fd, std::int64_t number) : fd_(fd), number_(number) {}
    int fd_;
    std::int64_t number_;
  };

  /// Makes the file where it is absent. Throws IoError.
  explicit LockFile(const std::filesystem::path& path);
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  /// Takes lock `number` where nobody holds it. What this object holds already is no obstacle:
  /// whoever asks twice must remember the first answer. Throws IoError where the file system cannot
  /// lock.
  std::optional<Held> try_lock(std::int64_t number) const;
  /// The same, waiting for the others to give it back or to end.
  Held wait(std::int64_t number) const;

 private:
  std::filesystem::path path_;
  int fd_;
};

}  // namespace serenade
