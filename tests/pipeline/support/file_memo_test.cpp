#include "pipeline/support/file_memo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

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
