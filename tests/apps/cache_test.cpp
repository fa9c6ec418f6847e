// What may happen to a cache and its recordings between two programs: each a right result or one
// clear error. Where each is tried, here, in another file of tests/apps, or in tests/pipeline:
//
// - programs killed at any moment: kill_test.cpp (Killed.*, TwoPrograms.*),
//   features/extraction_test.cpp (KilledAtAnyMomentItGoesOn)
// - a truncated shard, flipped bytes, a missing shard: features/extraction_test.cpp
//   (RepairsDamage), features/shard_test.cpp, features/shared_cache_test.cpp
// - a changed recording of the same size: CacheOf.RecordingsThatChangeAndKeepTheirSizeAndDate,
//   features/extraction_test.cpp (AChangedRecordingIsExtractedAgain)
// - a changed option: CacheOf.OtherOptionsAndOldOnesAgain
// - a raised revision: features/extraction_test.cpp (OtherOptionsHaveAnotherFolder),
//   features/revisions_test.cpp
// - a changed label in a CSV: experiment/corpora_test.cpp
//   (ManifestRun.UsesAChangedLabelWithoutNewFeatures)
// - a full disk, a read-only file system: CacheOn.*, features/extraction_test.cpp
//   (AFullDiskIsOneErrorAndKeepsWhatIsFinished)
// - a vanished file, unreadable clips: CacheOf.UnreadableAndVanishedRecordings
// - a cache of another version: CacheOf.AnotherVersionIsLeftAlone
// - a memo that is damaged, too large or of another version, or that errs:
//   CacheOf.ADamagedMemoIsMadeAgain, CacheOf.AMemoThatErrsIsMendedByVerify,
//   support/file_memo_test.cpp
// - several processes, index.h5: features/shared_cache_test.cpp
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <chrono>
#include <map>
#include <thread>

#include "pipeline/support/file_memo.h"
#include "tests/apps/program_fixture.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using test::Outcome;
using test::read_bytes;
using test::SerenadeProgram;
using test::write_bytes;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// The files of the one set of options that is in the cache, by name.
std::map<std::string, std::string> shards(const fs::path& cache) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(cache)) {
    if (entry.is_regular_file() && entry.path().parent_path() != cache) {
      files[entry.path().filename().string()] = read_bytes(entry.path());
    }
  }
  return files;
}

Outcome extract(const SerenadeProgram& program, const std::string& cache,
                std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"extract", "small.yaml", "--cache", cache});
  return program.serenade(more);
}

/// Every recording of a corpus, in order.
std::vector<fs::path> recordings(const SerenadeProgram& program) {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(program.folder / "corpus")) {
    if (entry.path().extension() == ".wav") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Until a memo believes what it saw of files that were just written.
void let_files_settle() { std::this_thread::sleep_for(std::chrono::milliseconds(2100)); }

TEST(CacheOf, RecordingsThatChangeAndKeepTheirSizeAndDate) {
  const SerenadeProgram program(2);
  let_files_settle();
  ASSERT_EQ(extract(program, "cache").status, 0);
  ASSERT_TRUE(fs::exists(program.folder / "cache/files.memo"));
  const fs::path path = recordings(program)[17];
  const auto date = fs::last_write_time(path);
  std::string bytes = read_bytes(path);
  bytes[bytes.size() - 40] = static_cast<char>(bytes[bytes.size() - 40] ^ 1);
  write_bytes(path, bytes);
  fs::last_write_time(path, date);
  EXPECT_THAT(extract(program, "cache").out,
              StartsWith("120 clips, 120 different recordings: 1 extracted now, 119 in the cache"));
  EXPECT_THAT(extract(program, "cache", {"--verify"}).out, HasSubstr("0 extracted now, 120 in"));
}

/// A memo that says the wrong thing of a recording, as no program can see but by reading it again.
TEST(CacheOf, AMemoThatErrsIsMendedByVerify) {
  const SerenadeProgram program(2);
  let_files_settle();
  ASSERT_EQ(extract(program, "cache").status, 0);
  {
    FileMemo memo(program.folder / "cache/files.memo", true, std::chrono::nanoseconds(0));
    memo.remembered(fs::absolute(recordings(program)[17]), "content", [] {
      return ContentHash{1, 2};
    });
    memo.save();
  }
  EXPECT_THAT(extract(program, "cache").out, Not(HasSubstr("0 extracted now, 120 in the cache")));
  EXPECT_THAT(extract(program, "cache", {"--verify"}).out,
              HasSubstr("0 extracted now, 120 in the cache"));
  EXPECT_THAT(extract(program, "cache").out, HasSubstr("0 extracted now, 120 in the cache"));
}

TEST(CacheOf, ADamagedMemoIsMadeAgain) {
  const SerenadeProgram program(2);
  let_files_settle();
  ASSERT_EQ(extract(program, "cache").status, 0);
  let_files_settle();  // the shard as well, so that the memo is complete
  ASSERT_EQ(extract(program, "cache").status, 0);
  const auto before = shards(program.folder / "cache");
  const fs::path memo = program.folder / "cache/files.memo";
  const std::string whole = read_bytes(memo);
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);  // of the last entry's hash
  std::string other_version = whole;
  other_version[14] = '2';
  for (const std::string& bytes : {flipped, other_version, whole.substr(0, whole.size() / 2),
                                   std::string(), std::string(100'000, '\xff')}) {
    write_bytes(memo, bytes);
    const Outcome outcome = extract(program, "cache");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, HasSubstr("0 extracted now, 120 in the cache"));
    EXPECT_TRUE(read_bytes(memo) == whole);
  }
  fs::resize_file(memo, std::uintmax_t{1} << 40U);  // a hole, no bytes on the disk
  EXPECT_THAT(extract(program, "cache").out, HasSubstr("0 extracted now, 120 in the cache"));
  EXPECT_TRUE(read_bytes(memo) == whole);
  EXPECT_TRUE(shards(program.folder / "cache") == before);
}

TEST(CacheOf, AnotherVersionIsLeftAlone) {
  const SerenadeProgram program(2);
  ASSERT_EQ(extract(program, "cache").status, 0);
  // What another version with other revisions would have made: its own key, its own numbers.
  fs::path folder;
  for (const auto& entry : fs::directory_iterator(program.folder / "cache")) {
    if (entry.is_directory()) folder = entry.path();
  }
  const fs::path other = program.folder / "cache/00000000000000000000000000000001";
  fs::rename(folder, other);
  write_bytes(other / "key.txt", "cache format: 0\n");
  write_bytes(other / "shard-00000.h5", "features as they were then");
  const auto before = shards(other.parent_path());
  const Outcome outcome = extract(program, "cache");
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("120 extracted now, 0 in the cache"));
  EXPECT_EQ(read_bytes(other / "shard-00000.h5"), "features as they were then");
  EXPECT_THAT(outcome.err, Not(HasSubstr("warning")));
}

TEST(CacheOf, OtherOptionsAndOldOnesAgain) {
  const SerenadeProgram program(2);
  ASSERT_EQ(extract(program, "cache").status, 0);
  EXPECT_THAT(extract(program, "cache", {"features.hop_length=64"}).out,
              HasSubstr("120 extracted now, 0 in the cache"));
  EXPECT_THAT(extract(program, "cache").out, HasSubstr("0 extracted now, 120 in the cache"));
}

TEST(CacheOf, UnreadableAndVanishedRecordings) {
  const SerenadeProgram program(2);
  const auto paths = recordings(program);
  // Six of 120 are 5%: as many as corpus.max_bad allows.
  for (std::size_t i = 0; i < 6; ++i) {
    write_bytes(paths[i * 20], fmt::format("no sound, number {}", i));
  }
  const Outcome first = extract(program, "cache");
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("120 extracted now, 0 in the cache before; 6 clips without"));
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_THAT(first.err, HasSubstr(paths[i * 20].filename().string() + ": is no sound file"));
  }
  // Known without being tried again.
  const Outcome second = extract(program, "cache");
  EXPECT_THAT(second.out, HasSubstr("0 extracted now, 120 in the cache before; 6 clips without"));
  const Outcome strict = extract(program, "cache", {"corpus.max_bad=0.04"});
  EXPECT_EQ(strict.status, 1);
  EXPECT_THAT(strict.err, HasSubstr("6 of 120 recordings have no features"));
  EXPECT_THAT(strict.err, HasSubstr("corpus.max_bad"));
  fs::remove(paths[0]);
  fs::remove(paths[1]);
  EXPECT_THAT(extract(program, "cache").out,
              StartsWith("118 clips, 118 different recordings: 0 extracted now, 118 in the cache"));
}

/// A small file system in memory.
class SmallDisk {
 public:
  SmallDisk(const fs::path& path, const char* size) : path_(path) {
    fs::create_directories(path);
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  void remount(unsigned long flags, const char* size) const {
    ASSERT_EQ(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | flags, size), 0);
  }

 private:
  fs::path path_;
  bool mounted_ = false;
};

TEST(CacheOn, AFullDisk) {
  const SerenadeProgram program(2);
  ASSERT_EQ(extract(program, "whole").status, 0);
  const SmallDisk disk(program.folder / "disk", "size=32k");
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here (it takes root)";
  const Outcome full = extract(program, "disk/cache");
  EXPECT_EQ(full.status, 1);
  EXPECT_THAT(full.err, HasSubstr("error: "));
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  disk.remount(0, "size=64m");
  const Outcome enough = extract(program, "disk/cache");
  EXPECT_EQ(enough.status, 0) << enough.err;
  EXPECT_TRUE(shards(program.folder / "disk/cache") == shards(program.folder / "whole"));
}

TEST(CacheOn, AReadOnlyDisk) {
  const SerenadeProgram program(2);
  const SmallDisk disk(program.folder / "disk", "size=64m");
  if (!disk.mounted()) GTEST_SKIP() << "no file system can be mounted here (it takes root)";
  ASSERT_EQ(extract(program, "disk/cache").status, 0);
  fs::path key;
  for (const auto& entry : fs::directory_iterator(program.folder / "disk/cache")) {
    if (entry.is_directory()) key = entry.path();
  }
  fs::remove(key / "index.h5");
  disk.remount(MS_RDONLY, "size=64m");
  // What is there can be used.
  const Outcome complete = extract(program, "disk/cache");
  EXPECT_EQ(complete.status, 0) << complete.err;
  EXPECT_THAT(complete.out, HasSubstr("0 extracted now, 120 in the cache"));
  const Outcome other = extract(program, "disk/cache", {"features.hop_length=64"});
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.err, HasSubstr("error: "));
  EXPECT_THAT(other.err, HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace serenade
