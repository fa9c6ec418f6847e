#include "pipeline/support/files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "kernels/device/error.h"
#include "pipeline/support/content_hash.h"
#include "pipeline/support/file_memo.h"
#include "pipeline/support/lock_file.h"
#include "pipeline/support/parse_number.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

std::string refusal(const std::function<void()>& action) {
  ::alarm(60);  // opening a pipe that nobody writes to never returns
  std::string text = "none";
  try {
    action();
  } catch (const IoError& error) {
    text = error.what();
  }
  ::alarm(0);
  return text;
}

/// All ways to read a file.
void expect_refused(const fs::path& path, const std::string& what) {
  const auto text = HasSubstr(path.string() + ": is not a file but " + what);
  EXPECT_THAT(refusal([&] { read_file(path, 100); }), text);
  EXPECT_THAT(refusal([&] { MappedFile mapped(path); }), text);
  EXPECT_THAT(refusal([&] { hash_file(path); }), text);
  EXPECT_THAT(refusal([&] { LockFile locks(path); }), text);
  EXPECT_THAT(refusal([&] { expect_regular_file(path); }), text);
}

TEST(Files, AFolderIsListedInTheOrderOfNames) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(entries_of(folder.path()), IsEmpty());
  for (const char* name : {"b", "a", "a0", "Z"}) write_file_atomically(folder / name, "");
  EXPECT_THAT(entries_of(folder.path()),
              ElementsAre(folder / "Z", folder / "a", folder / "a0", folder / "b"));
  EXPECT_THAT([&] { entries_of(folder / "missing"); },
              ThrowsMessage<IoError>(HasSubstr("missing: cannot be listed: No such file")));
}

TEST(ParseNumber, TakesTheWholeTextAndNothingElse) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<double>("1.5e3"), 1500);
  EXPECT_EQ(parse_number<std::uint64_t>("18446744073709551615"), 18446744073709551615U);
  for (const char* text : {"", " 1", "1 ", "+1", "1,5", "0x10", "2147483648"}) {
    EXPECT_EQ(parse_number<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_number<std::uint64_t>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<double>("1,5"), std::nullopt);
}

TEST(Files, OnlyRegularFilesAreOpened) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_refused(folder / "pipe", "a pipe");
  fs::create_symlink("pipe", folder / "link");
  expect_refused(folder / "link", "a pipe");
  expect_refused(folder.path(), "a folder");
  expect_refused("/dev/zero", "a device");

  test::write_bytes(folder / "file", "text");
  fs::create_symlink("file", folder / "good");
  EXPECT_EQ(refusal([&] { expect_regular_file(folder / "good"); }), "none");
  EXPECT_EQ(read_file(folder / "good", 4), "text");
  EXPECT_EQ(refusal([&] { expect_regular_file(folder / "absent"); }), "none");
  EXPECT_THAT(refusal([&] { read_file(folder / "absent", 4); }), HasSubstr("o such file"));
}

TEST(Files, APipeInThePlaceOfAMemoCountsAsADamagedOne) {
  const TemporaryFolder folder;
  const fs::path memo = folder / "files.memo";
  ASSERT_EQ(::mkfifo(memo.c_str(), 0600), 0);
  test::write_bytes(folder / "a", "text");
  const auto use = [&] {
    FileMemo files(memo, /*hash_again=*/false, std::chrono::nanoseconds(0));
    EXPECT_EQ(files.content(folder / "a"), hash_text("text"));
    files.save();
  };
  EXPECT_EQ(refusal(use), "none");
  EXPECT_TRUE(fs::is_regular_file(memo));
}

}  // namespace
}  // namespace serenade
