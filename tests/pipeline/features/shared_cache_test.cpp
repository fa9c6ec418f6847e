// Several processes at one cache, and what other programs see of it.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "kernels/device/error.h"
#include "pipeline/features/index_file.h"
#include "pipeline/features/planning.h"
#include "tests/pipeline/features/extraction_fixture.h"
#include "tests/support/program.h"

namespace serenade::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// Another process, which does `work` and ends with the status it returns.
class Child {
 public:
  explicit Child(const std::function<int()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    int status = 99;
    try {
      status = work();
    } catch (...) {  // told by the status
    }
    ::_exit(status);
  }
  int wait() {
    int status = 0;
    if (pid_ < 0 || ::waitpid(pid_, &status, 0) != pid_) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_;
};

/// A process that holds one lock of a cache folder for a while, and then ends without having done
/// anything.
class Holder {
 public:
  Holder(const fs::path& folder, std::int64_t lock)
      : child_([this, folder, lock] {
          const LockFile locks(folder / cache_lock::file);
          const auto held = locks.try_lock(lock);
          const char yes = 'y';
          if (!held || ::write(ready_.ends[1], &yes, 1) != 1) return 1;
          std::this_thread::sleep_for(std::chrono::milliseconds(300));
          return 0;
        }) {
    char answer = 0;
    EXPECT_EQ(::read(ready_.ends[0], &answer, 1), 1);
  }
  ~Holder() { EXPECT_EQ(child_.wait(), 0); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 private:
  struct Pipe {
    Pipe() { EXPECT_EQ(::pipe(ends), 0); }
    int ends[2] = {-1, -1};
  };
  Pipe ready_;
  Child child_;
};

TEST_F(ExtractionTest, ProcessesShareTheWork) {
  make_clips(40);
  const auto function = block_features(/*pause_ms=*/8);
  extract("whole", function);
  std::vector<Child> both;
  for (int i = 0; i < 2; ++i) {
    both.emplace_back([&] {
      const auto report = extract("both", function, small_shards(1));
      // All is there, and neither did everything alone.
      const Index known = report.from_cache + report.extracted + report.by_others;
      if (known != 40) return 1;
      return report.extracted > 0 && report.extracted < 40 ? 0 : 2;
    });
  }
  for (auto& child : both) EXPECT_EQ(child.wait(), 0);
  EXPECT_TRUE(files("both") == files("whole"));
  expect_right_features("both", function);
}

TEST_F(ExtractionTest, WhatAnotherProcessLeavesIsTakenOver) {
  make_clips(12);
  const auto function = block_features();
  extract("a", function);
  const auto whole = files("a");
  const auto folder = key_folder("a");
  for (int number = 0; number < 3; ++number) fs::remove(folder / shard_name(number));
  const Holder other(folder, cache_lock::shard(1));
  EXPECT_EQ(extract("a", function).extracted, 12);
  EXPECT_TRUE(files("a") == whole);
  EXPECT_THAT(listener_.notes,
              Contains(HasSubstr("remaining 4 clips are being extracted by another process")));
}

TEST_F(ExtractionTest, OneProcessPlansAtATime) {
  make_clips(2);
  const auto function = block_features();
  extract("a", function);
  make_clips(2);
  const Holder other(key_folder("a"), cache_lock::planning);
  EXPECT_EQ(extract("a", function).extracted, 2);
  EXPECT_THAT(listener_.notes, Contains(HasSubstr("another process is planning")));
}

TEST_F(ExtractionTest, UnfinishedFilesOfLivingProcessesStay) {
  make_clips(8);
  const auto function = block_features();
  extract("a", function);
  const auto folder = key_folder("a");
  const std::vector<std::string> dead = {"shard-00000.h5.tmp-1", "shard-00000.xxh3.tmp-1",
                                         "plan-000.json.tmp-1", "key.txt.tmp-1", "index.h5.tmp-1"};
  const std::vector<std::string> living = {"shard-00001.h5.tmp-2", "shard-00001.xxh3.tmp-2"};
  for (const auto& name : dead) write_bytes(folder / name, "left");
  for (const auto& name : living) write_bytes(folder / name, "being written");
  const LockFile mine(folder / cache_lock::file);
  const LockFile theirs(folder / cache_lock::file);
  const auto held = theirs.try_lock(cache_lock::shard(1));
  ASSERT_TRUE(held);
  FeatureCache cache(caches_ / "a", function, listener_);
  clean(cache, mine);
  for (const auto& name : dead) EXPECT_FALSE(fs::exists(folder / name)) << name;
  for (const auto& name : living) EXPECT_TRUE(fs::exists(folder / name)) << name;
}

TEST_F(ExtractionTest, UnfinishedFilesAreRemovedThoughNothingIsMissing) {
  make_clips(4);
  const auto function = block_features();
  extract("a", function);
  const auto whole = files("a");
  write_bytes(key_folder("a") / "index.h5.tmp-1", "left");
  EXPECT_EQ(extract("a", function).extracted, 0);
  EXPECT_TRUE(files("a") == whole);
}

TEST_F(ExtractionTest, ADamagedShardThatAnotherProcessRepairsStays) {
  make_clips(8);
  const auto function = block_features();
  extract("a", function);
  const auto path = key_folder("a") / shard_name(1);
  const std::string whole = read_bytes(path);
  write_bytes(path, "damaged");
  FeatureCache cache(caches_ / "a", function, listener_);
  ASSERT_EQ(cache.damaged().size(), 1U);
  const LockFile locks(key_folder("a") / cache_lock::file);
  write_bytes(path, whole);
  clean(cache, locks);
  EXPECT_TRUE(cache.has_shard(1));
  EXPECT_EQ(read_bytes(path), whole);
}

TEST_F(ExtractionTest, AShardThatCannotBeOpenedIsNotTakenForDamaged) {
  make_clips(8);
  const auto function = block_features();
  extract("a", function);
  const auto path = key_folder("a") / shard_name(1);
  // A folder in its place: the system refuses, as it does where files or memory run out.
  fs::rename(path, caches_ / "aside");
  fs::create_directory(path);
  try {
    extract("a", function);
    ADD_FAILURE() << "no error";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("shard-00001.h5: is not a file but a folder; if that does not pass"));
  }
  fs::remove(path);
  fs::rename(caches_ / "aside", path);
  EXPECT_EQ(extract("a", function).from_cache, 8);
  EXPECT_THAT(listener_.warnings, IsEmpty());
}

TEST_F(ExtractionTest, AShardTruncatedWhileMappedIsAnError) {
  make_clips(4);
  const auto function = block_features();
  extract("a", function);
  const FeatureCache cache(caches_ / "a", function, listener_);
  const auto path = key_folder("a") / shard_name(0);
  fs::resize_file(path, 100);
  try {
    cache.find(utterances_[0].content);
    ADD_FAILURE() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("shard-00000.h5: was truncated since it was opened"));
  }
  // One that is replaced, as the program does it, is none.
  EXPECT_EQ(extract("a", function).extracted, 4);
  const FeatureCache again(caches_ / "a", function, listener_);
  write_bytes(caches_ / "shorter", "x");
  fs::rename(caches_ / "shorter", path);
  EXPECT_TRUE(again.find(utterances_[0].content));
}

TEST_F(ExtractionTest, TheMemoSparesReadingShards) {
  make_clips(4);
  const auto function = block_features();
  extract("a", function);
  const auto memo = [&](bool verify) {
    return FileMemo(caches_ / "files.memo", verify, std::chrono::nanoseconds(0));
  };
  {
    FileMemo first = memo(false);
    const FeatureCache cache(caches_ / "a", function, listener_, &first);
    first.save();
  }
  // Another hash in the memo than that of the bytes: only who reads them again finds them good.
  const auto path = key_folder("a") / shard_name(0);
  {
    FileMemo wrong = memo(true);
    wrong.remembered(path, "shard", [] { return ContentHash{0, 7}; });
    wrong.save();
  }
  FileMemo second = memo(false);
  EXPECT_EQ(FeatureCache(caches_ / "a", function, listener_, &second).damaged().size(), 1U);
  FileMemo verifying = memo(true);
  EXPECT_TRUE(FeatureCache(caches_ / "a", function, listener_, &verifying).damaged().empty());
}

/// Debian's, to which python3-h5py belongs.
constexpr const char* python = "/usr/bin/python3";

bool has_h5py(const fs::path& folder) {
  return run_program(folder, {python, "-c", "import h5py"}).status == 0;
}

TEST_F(ExtractionTest, TheIndexShowsAllShardsToH5py) {
  if (!has_h5py(caches_.path())) GTEST_SKIP() << "python3-h5py is not installed";
  make_clips(10);
  write_sound(sounds_ / "short.wav", noisy_sine(20, 300, 8000, 5), 8000);
  utterances_.push_back(utterance("short", sounds_ / "short.wav"));
  const auto function = block_features();
  auto options = small_shards();
  options.max_bad = 0.5;
  extract("a", function, options);
  write_bytes(caches_ / "check.py", R"(
import sys, glob, math, numpy, h5py
folder, missing = sys.argv[1], sys.argv[2] == "missing"
index = h5py.File(folder + "/index.h5", "r")
features, clips = index["features"], index["clips"]
assert features.shape[1] == 2 and features.dtype == numpy.float32
assert [name.decode() for name in index["columns"]] == ["mean", "max"]
assert b"{blocks: 64}" in index["options"][0]
assert math.isnan(features.fillvalue)
assert len(clips) == 11 and features.is_virtual
assert sum(clips["frames"]) == len(features)
assert sum(clip["error"] != b"" for clip in clips) == 1
seen = 0
for path in sorted(glob.glob(folder + "/shard-*.h5")):
    shard = h5py.File(path, "r")
    number = int(path[-8:-3])
    for clip in shard["clips"]:
        name = b"%016x%016x" % (clip["content_high"], clip["content_low"])
        row, = clips[clips["content"] == name]
        first, own = int(row["frame_offset"]), int(clip["frame_offset"])
        frames = int(clip["frames"])
        assert row["shard"] == number and row["frames"] == frames
        assert row["samples"] == clip["samples"] and row["error"] == clip["error"]
        assert numpy.array_equal(features[first:first + frames], shard["features"][own:own + frames])
        seen += 1
for row in clips[clips["shard"] == 1] if missing else []:
    first = int(row["frame_offset"])
    assert numpy.isnan(features[first:first + int(row["frames"])]).all()
assert seen == (7 if missing else 11), seen
)");
  const auto check = [&](const std::string& what) {
    return run_program(caches_.path(),
                       {python, caches_ / "check.py", key_folder("a").string(), what});
  };
  const Outcome whole = check("whole");
  EXPECT_EQ(whole.status, 0) << whole.err;
  fs::remove(key_folder("a") / shard_name(1));
  const Outcome missing = check("missing");
  EXPECT_EQ(missing.status, 0) << missing.err;
}

TEST_F(ExtractionTest, TheIndexIsMadeAgainWhereItIsMissing) {
  make_clips(6);
  const auto function = block_features();
  extract("a", function);
  const auto whole = files("a");
  ASSERT_THAT(whole, Contains(testing::Key("index.h5")));
  fs::remove(key_folder("a") / index_name);
  EXPECT_EQ(extract("a", function).extracted, 0);
  EXPECT_TRUE(files("a") == whole);
  make_clips(1);
  extract("a", function);
  EXPECT_TRUE(files("a").at("index.h5") != whole.at("index.h5"));
}

}  // namespace
}  // namespace serenade::test
