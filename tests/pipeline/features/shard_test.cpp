#include "pipeline/features/shard.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "kernels/device/error.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using testing::HasSubstr;

ClipRows clip_rows(std::uint64_t id, Index frames, Index dims) {
  ClipRows clip;
  clip.content = {id, ~id};
  clip.rows.resize({frames, dims});
  for (Index i = 0; i < frames * dims; ++i) {
    clip.rows[i] = static_cast<float>(id) + 0.25F * static_cast<float>(i);
  }
  clip.samples = frames * 512;
  clip.sample_rate = 22050;
  return clip;
}

ShardFormat three_columns() { return {{"rms", "mfcc_0", "mfcc_1"}, "extract: [rms, mfcc]"}; }

std::vector<ClipRows> some_clips() {
  std::vector<ClipRows> clips;
  clips.push_back(clip_rows(7, 4, 3));
  clips.push_back(clip_rows(8, 0, 3));
  clips.back().error = "holds no samples";
  clips.push_back(clip_rows(9, 1, 3));
  return clips;
}

/// Gives a changed shard a side file that fits, so that the checks behind it are reached.
void fit_side_file(const std::filesystem::path& folder, int number) {
  const std::string bytes = test::read_bytes(folder / shard_name(number));
  test::write_bytes(
      folder / shard_hash_name(number),
      fmt::format("{:016x}  {}\n", XXH3_64bits(bytes.data(), bytes.size()), shard_name(number)));
}

TEST(Shard, GivesBackWhatWasWritten) {
  const test::TemporaryFolder folder;
  const auto clips = some_clips();
  const std::size_t size = write_shard(folder.path(), 3, three_columns(), clips);
  EXPECT_EQ(size, std::filesystem::file_size(folder / "shard-00003.h5"));

  const Shard shard(folder.path(), 3, three_columns());
  ASSERT_EQ(shard.clips().size(), 3U);
  for (std::size_t i = 0; i < clips.size(); ++i) {
    EXPECT_EQ(shard.clips()[i].content, clips[i].content);
    EXPECT_EQ(shard.clips()[i].samples, clips[i].samples);
    EXPECT_EQ(shard.clips()[i].sample_rate, 22050);
    EXPECT_EQ(shard.clips()[i].error, clips[i].error);
    const auto rows = shard.rows(i);
    EXPECT_EQ(rows.shape(), clips[i].rows.shape());
    EXPECT_TRUE(std::equal(rows.span().begin(), rows.span().end(), clips[i].rows.span().begin()));
  }
}

TEST(Shard, BytesAreAFunctionOfTheContent) {
  const test::TemporaryFolder one;
  const test::TemporaryFolder two;
  write_shard(one.path(), 0, three_columns(), some_clips());
  // Another second: a time in the file would show.
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  write_shard(two.path(), 0, three_columns(), some_clips());
  EXPECT_EQ(test::read_bytes(one / "shard-00000.h5"), test::read_bytes(two / "shard-00000.h5"));
  EXPECT_EQ(test::read_bytes(one / "shard-00000.xxh3"), test::read_bytes(two / "shard-00000.xxh3"));

  auto clips = some_clips();
  clips[0].rows[5] += 1;
  write_shard(two.path(), 0, three_columns(), clips);
  EXPECT_NE(test::read_bytes(one / "shard-00000.h5"), test::read_bytes(two / "shard-00000.h5"));
}

TEST(Shard, OfOtherOptionsIsRefused) {
  const test::TemporaryFolder folder;
  write_shard(folder.path(), 0, three_columns(), some_clips());
  // As many columns, and texts of the same length, shorter, longer and none.
  for (const std::string options :
       {"extract: [rms, mfca]", "extract: [rms]", "extract: [rms, mfcc, mel]", ""}) {
    ShardFormat other = three_columns();
    other.options = options;
    try {
      const Shard shard(folder.path(), 0, other);
      ADD_FAILURE() << options;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr("shard-00000.h5: holds features of other options"));
    }
    write_shard(folder.path(), 1, other, some_clips());
    EXPECT_NO_THROW(Shard(folder.path(), 1, other)) << options;
    EXPECT_THROW(Shard(folder.path(), 1, three_columns()), DataError) << options;
  }
}

TEST(Shard, MayHoldErrorsOnlyOrNothing) {
  const test::TemporaryFolder folder;
  std::vector<ClipRows> clips;
  write_shard(folder.path(), 0, three_columns(), clips);
  EXPECT_TRUE(Shard(folder.path(), 0, three_columns()).clips().empty());
  clips.push_back(clip_rows(1, 0, 3));
  clips[0].error = std::string(max_error_length, 'x');
  write_shard(folder.path(), 1, three_columns(), clips);
  const Shard shard(folder.path(), 1, three_columns());
  EXPECT_EQ(shard.clips()[0].error, clips[0].error);
  EXPECT_EQ(shard.rows(0).size(), 0);
}

TEST(Shard, RefusesDamage) {
  const test::TemporaryFolder folder;
  write_shard(folder.path(), 0, three_columns(), some_clips());
  const auto path = folder / "shard-00000.h5";
  const std::string whole = test::read_bytes(path);

  const auto expect_refused = [&](const std::string& bytes) {
    test::write_bytes(path, bytes);
    EXPECT_THROW(Shard(folder.path(), 0, three_columns()), DataError);
  };
  expect_refused(whole.substr(0, whole.size() / 2));
  expect_refused("");
  for (std::size_t at = 0; at < whole.size(); at += 97) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    expect_refused(flipped);
  }
  test::write_bytes(path, whole);
  EXPECT_NO_THROW(Shard(folder.path(), 0, three_columns()));
  ShardFormat more = three_columns();
  more.columns.emplace_back("mfcc_2");
  EXPECT_THROW(Shard(folder.path(), 0, more), DataError);

  test::write_bytes(folder / "shard-00000.xxh3", std::string(5000, 'a'));
  EXPECT_THROW(Shard(folder.path(), 0, three_columns()), DataError);
  std::filesystem::remove(folder / "shard-00000.xxh3");
  EXPECT_THROW(Shard(folder.path(), 0, three_columns()), DataError);
  EXPECT_THROW(Shard(folder.path(), 1, three_columns()),
               IoError);  // not there: nothing is known of it
}

TEST(Shard, ChecksWhatHdf5SaysAgainstTheFile) {
  const test::TemporaryFolder folder;
  write_shard(folder.path(), 0, three_columns(), some_clips());
  const auto path = folder / "shard-00000.h5";
  const std::string whole = test::read_bytes(path);
  const auto reason = [&] {
    fit_side_file(folder.path(), 0);
    try {
      const Shard shard(folder.path(), 0, three_columns());
      return std::string("opened");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_EQ(reason(), "opened");
  test::write_bytes(path, "not HDF5 at all");
  EXPECT_THAT(reason(), HasSubstr("cannot read: HDF5 says"));
  EXPECT_THAT(reason(), HasSubstr("shard-00000.h5"));

  // The record of clip 9 is found by its hash; frame_offset is the third word of it.
  const std::uint64_t high = 9;
  std::string bent = whole;
  const std::size_t at = whole.find(std::string(reinterpret_cast<const char*>(&high), 8) +
                                    std::string("\xf6\xff\xff\xff\xff\xff\xff\xff", 8));
  ASSERT_NE(at, std::string::npos);
  bent[at + 16] = 5;  // one row from frame 5 on, of 5
  test::write_bytes(path, bent);
  EXPECT_THAT(reason(), HasSubstr("clip 2 lies outside of the features"));
  bent[at + 16] = 4;
  bent[at + 31] = static_cast<char>(0xff);  // frames near 2^64
  test::write_bytes(path, bent);
  EXPECT_THAT(reason(), HasSubstr("clip 2 lies outside of the features"));
}

TEST(Shard, NoticesDamageAtFirstUseOfAClip) {
  const test::TemporaryFolder folder;
  write_shard(folder.path(), 0, three_columns(), some_clips());
  const auto path = folder / "shard-00000.h5";
  std::string bytes = test::read_bytes(path);
  const float last = 9 + 0.25F * 2;
  const std::size_t at = bytes.rfind(std::string(reinterpret_cast<const char*>(&last), 4));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  test::write_bytes(path, bytes);
  fit_side_file(folder.path(), 0);
  const Shard shard(folder.path(), 0, three_columns());
  EXPECT_NO_THROW(shard.rows(0));
  EXPECT_THROW(shard.rows(2), DataError);
}

TEST(Shard, NamesAreStrict) {
  EXPECT_EQ(shard_name(12), "shard-00012.h5");
  EXPECT_EQ(shard_number("shard-00012.h5"), 12);
  EXPECT_EQ(shard_number(shard_name(1234567)), 1234567);
  for (const auto* name : {"shard-12.h5", "shard-00012.h5.tmp-1", "shard-00012.xxh3",
                           "shard--0012.h5", "shard-99999999999.h5", "x", ""}) {
    EXPECT_FALSE(shard_number(name)) << name;
  }
}

TEST(Shard, SaysWhenItCannotBeWritten) {
  const test::TemporaryFolder folder;
  try {
    write_shard(folder / "absent", 0, three_columns(), some_clips());
    FAIL();
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), HasSubstr("No such file or directory"));
  }
}

}  // namespace
}  // namespace serenade
