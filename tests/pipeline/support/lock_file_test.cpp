#include "pipeline/support/lock_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/device/error.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

TEST(LockFile, EveryNumberIsHeldByOne) {
  const test::TemporaryFolder folder;
  const LockFile mine(folder / "lock");
  const LockFile theirs(folder / "lock");
  {
    const auto held = mine.try_lock(3);
    ASSERT_TRUE(held);
    EXPECT_FALSE(theirs.try_lock(3));
    EXPECT_TRUE(theirs.try_lock(2));
    EXPECT_TRUE(theirs.try_lock(4'000'000'000));
  }
  const auto held = theirs.wait(3);
  EXPECT_FALSE(mine.try_lock(3));
}

TEST(LockFile, IsGoneWithItsProcess) {
  const test::TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const LockFile locks(folder / "lock");
    const auto held = locks.try_lock(7);
    const char yes = held ? 'y' : 'n';
    if (::write(ready[1], &yes, 1) == 1) ::pause();
    ::_exit(0);
  }
  char answer = '?';
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const LockFile locks(folder / "lock");
  EXPECT_FALSE(locks.try_lock(7));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  const auto held = locks.wait(7);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(LockFile, SaysWhereItCannotBe) {
  const test::TemporaryFolder folder;
  EXPECT_THROW(LockFile(folder / "absent/lock"), IoError);
}

}  // namespace
}  // namespace serenade
