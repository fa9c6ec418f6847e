#include "pipeline/support/file_memo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "kernels/device/error.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using std::chrono::nanoseconds;

class FileMemoTest : public testing::Test {
 protected:
  /// Remembers files however young they are.
  FileMemo memo(bool hash_again = false) const {
    return FileMemo(folder_ / "cache/files.memo", hash_again, nanoseconds(0));
  }
  /// What the memo says of the file, counting how often it has to look.
  ContentHash ask(FileMemo& memo, const fs::path& path, const std::string& kind = "content") {
    return memo.remembered(path, kind, [&] {
      ++reads_;
      return hash_file(path);
    });
  }
  fs::path file(const std::string& name, const std::string& bytes) const {
    test::write_bytes(folder_ / name, bytes);
    return folder_ / name;
  }
  void remember(const fs::path& path) {
    FileMemo first = memo();
    ask(first, path);
    first.save();
    reads_ = 0;
  }

  test::TemporaryFolder folder_;
  int reads_ = 0;
};

TEST_F(FileMemoTest, RemembersFromProgramToProgram) {
  const auto a = file("a", "sound");
  const auto b = file("b", "another");
  {
    FileMemo first = memo();
    EXPECT_EQ(ask(first, a), hash_file(a));
    EXPECT_EQ(ask(first, b), hash_file(b));
    EXPECT_EQ(reads_, 2);
    first.save();
  }
  FileMemo second = memo();
  EXPECT_EQ(ask(second, a), hash_file(a));
  EXPECT_EQ(second.content(b), hash_file(b));
  EXPECT_EQ(reads_, 2);
  EXPECT_EQ(ask(second, a, "shard"), hash_file(a));
  EXPECT_EQ(reads_, 3) << "another kind of hash is another question";
  FileMemo verifying = memo(/*hash_again=*/true);
  EXPECT_EQ(ask(verifying, a), hash_file(a));
  EXPECT_EQ(reads_, 4);
}

TEST_F(FileMemoTest, RelativeAndAbsolutePathsAreTheSameFile) {
  const auto a = file("a", "sound");
  remember(a);
  const auto before = fs::current_path();
  fs::current_path(folder_.path());
  FileMemo second = memo();
  ask(second, "a");
  fs::current_path(before);
  EXPECT_EQ(reads_, 0);
}

TEST_F(FileMemoTest, NoticesEveryChange) {
  const auto a = file("a", "sound");
  remember(a);
  struct stat before {};
  ASSERT_EQ(::stat(a.c_str(), &before), 0);
  const auto expect_read = [&](const char* what) {
    FileMemo next = memo();
    EXPECT_EQ(ask(next, a), hash_file(a)) << what;
    EXPECT_EQ(reads_, 1) << what;
    remember(a);
  };
  const auto give_old_date = [&] {
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, a.c_str(), times, 0), 0);
  };
  test::write_bytes(a, "noise");
  give_old_date();
  expect_read("same size and date");
  test::write_bytes(a, "sound, longer");
  give_old_date();
  expect_read("same date");
  fs::rename(file("b", "other, longer"), a);
  give_old_date();
  expect_read("another inode");
  fs::remove(a);
  FileMemo next = memo();
  EXPECT_THROW(next.content(a), IoError);
}

TEST_F(FileMemoTest, YoungFilesAreNotRemembered) {
  const auto a = file("a", "sound");
  FileMemo careful(folder_ / "cache/files.memo");
  ask(careful, a);
  careful.save();
  EXPECT_FALSE(fs::exists(folder_ / "cache/files.memo"));
}

TEST_F(FileMemoTest, AFileThatChangesWhileItIsReadIsNotRemembered) {
  const auto a = file("a", "sound");
  FileMemo first = memo();
  first.remembered(a, "content", [&] {
    const auto hash = hash_file(a);
    test::write_bytes(a, "longer than before");
    return hash;
  });
  first.save();
  FileMemo second = memo();
  EXPECT_EQ(ask(second, a), hash_file(a));
  EXPECT_EQ(reads_, 1);
}

TEST_F(FileMemoTest, DamageCostsWorkOnly) {
  const auto a = file("a", "sound");
  remember(a);
  const auto path = folder_ / "cache/files.memo";
  const std::string whole = test::read_bytes(path);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    test::write_bytes(path, damaged);
    reads_ = 0;
    FileMemo second = memo();
    EXPECT_EQ(ask(second, a), hash_file(a));
    EXPECT_EQ(reads_, 1) << "byte " << at;
  }
  for (const std::string& text : {std::string(), whole.substr(0, whole.size() - 1), whole + "x",
                                  std::string(100'000, '\xff')}) {
    test::write_bytes(path, text);
    reads_ = 0;
    FileMemo second = memo();
    ask(second, a);
    EXPECT_EQ(reads_, 1);
    second.save();
    EXPECT_EQ(test::read_bytes(path), whole);
  }
}

/// The memo as a file: a header of 40 bytes (what it is, the number of entries, the hash of their
/// bytes) and entries of 64, which begin with their key.
class FileMemoBytes : public FileMemoTest {
 protected:
  fs::path path() const { return folder_ / "cache/files.memo"; }
  static std::string bytes_of(std::uint64_t number) {
    return {reinterpret_cast<const char*>(&number), sizeof number};
  }
  static std::string with_header(const std::string& body, const std::string& magic = valid) {
    const ContentHash hash = hash_text(body);
    return magic + bytes_of(body.size() / 64) + bytes_of(hash.high) + bytes_of(hash.low) + body;
  }
  /// So many entries: that of the one file which the memo in `path` knows, and of files that never
  /// were, which stand in front of it or behind it.
  std::string with_others(std::size_t entries) const {
    const std::string known = test::read_bytes(path()).substr(40);
    ContentHash key;
    std::memcpy(&key, known.data(), sizeof key);
    std::string before, behind;
    const std::uint64_t step = ~std::uint64_t{0} / entries;
    for (std::size_t i = 0; i + 1 < entries; ++i) {
      std::string& side = i * step < key.high ? before : behind;
      side += bytes_of(i * step) + std::string(56, '\1');
    }
    return with_header(before + known + behind);
  }
  /// Writes the memo; how often the file is read by one who asks for it then.
  int reads_with(const std::string& memo_bytes, const fs::path& file) {
    test::write_bytes(path(), memo_bytes);
    reads_ = 0;
    FileMemo next = memo();
    EXPECT_EQ(ask(next, file), hash_file(file));
    return reads_;
  }
  static inline const std::string valid{"serenade memo 1\0", 16};
};

TEST_F(FileMemoBytes, OfAnotherVersionAreNotBelieved) {
  const auto a = file("a", "sound");
  remember(a);
  const std::string body = test::read_bytes(path()).substr(40);
  EXPECT_EQ(reads_with(with_header(body), a), 0);
  for (const std::string magic : {"serenade memo 0", "serenade memo 2", "another program"}) {
    EXPECT_EQ(reads_with(with_header(body, magic + '\0'), a), 1) << magic;
  }
  // Whole entries by the header's count, but not all of them.
  EXPECT_EQ(reads_with(with_header(body + body.substr(0, 63)), a), 1);
  EXPECT_EQ(reads_with(valid + bytes_of(~std::uint64_t{0}) + with_header(body).substr(24), a), 1);
}

/// Also where the rest of a file's state is that of another: two files of one moment, say.
TEST_F(FileMemoBytes, CountWithEveryFieldOfAnEntry) {
  const auto a = file("a", "sound");
  remember(a);
  const std::string body = test::read_bytes(path()).substr(40);
  // Key, size, times of modification and change, inode; the hash behind them is what is believed.
  for (std::size_t at = 0; at < 48; at += 8) {
    std::string other = body;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_EQ(reads_with(with_header(other), a), 1) << "byte " << at;
  }
}

TEST_F(FileMemoBytes, BeyondTheBoundAreNotRead) {
  const auto a = file("a", "sound");
  remember(a);
  const std::string small = test::read_bytes(path());
  EXPECT_EQ(reads_with(with_others(FileMemo::max_entries), a), 0);
  test::write_bytes(path(), small);
  EXPECT_EQ(reads_with(with_others(FileMemo::max_entries + 1), a), 1);
  test::write_bytes(path(), small);
  fs::resize_file(path(), std::uintmax_t{1} << 40U);  // a hole, no bytes on the disk
  FileMemo next = memo();
  ask(next, a);
  next.save();
  EXPECT_EQ(test::read_bytes(path()), small);
}

TEST_F(FileMemoBytes, StayWithinTheBound) {
  const auto a = file("a", "sound");
  const auto b = file("b", "another");
  remember(a);
  test::write_bytes(path(), with_others(FileMemo::max_entries));
  {
    FileMemo full = memo();
    ask(full, a);
    ask(full, b);
    EXPECT_EQ(reads_, 1);
    full.save();
  }
  EXPECT_EQ(fs::file_size(path()), 40 + 64 * FileMemo::max_entries);
  // What was used is kept, though others had to go.
  FileMemo next = memo();
  ask(next, a);
  ask(next, b);
  EXPECT_EQ(reads_, 1);
}

TEST_F(FileMemoBytes, OfAPipeAreNotWaitedFor) {
  const auto a = file("a", "sound");
  fs::create_directories(folder_ / "cache");
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  FileMemo first = memo();
  ask(first, a);
  first.save();
  EXPECT_TRUE(fs::is_regular_file(path()));
}

TEST_F(FileMemoTest, KeepsWhatOthersSavedMeanwhile) {
  const auto a = file("a", "sound");
  const auto b = file("b", "another");
  FileMemo first = memo();
  FileMemo second = memo();
  ask(first, a);
  ask(second, b);
  test::write_bytes(folder_ / "cache/files.memo.tmp-1", "of one that was killed");
  first.save();
  second.save();
  EXPECT_FALSE(fs::exists(folder_ / "cache/files.memo.tmp-1"));
  reads_ = 0;
  FileMemo third = memo();
  ask(third, a);
  ask(third, b);
  EXPECT_EQ(reads_, 0);
}

TEST_F(FileMemoTest, SaysWhereItCannotBeWritten) {
  const auto a = file("a", "sound");
  FileMemo nowhere(a / "files.memo", false, nanoseconds(0));
  ask(nowhere, a);
  EXPECT_THROW(nowhere.save(), IoError);
}

}  // namespace
}  // namespace serenade
