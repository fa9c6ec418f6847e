#include "pipeline/audio/endless_header.h"

#include <gmock/gmock.h>
#include <sndfile.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "kernels/device/error.h"
#include "kernels/device/philox.h"
#include "pipeline/audio/decode.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/wav.h"

namespace serenade {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using testing::HasSubstr;
using testing::Optional;

std::string number(std::uint32_t value, bool big_endian = false) {
  std::string bytes;
  for (const int shift : {0, 8, 16, 24}) bytes += static_cast<char>(value >> shift & 0xFFU);
  return big_endian ? std::string(bytes.rbegin(), bytes.rend()) : bytes;
}

/// A recording of 100 frames, 16 bit, 8 kHz.
std::string good_wav(const TemporaryFolder& folder) {
  test::write_sound(folder / "good.wav", test::noisy_sine(100, 440, 8000, 1), 8000);
  return read_bytes(folder / "good.wav");
}

class EndlessHeader : public testing::Test {
 protected:
  /// Neither decode nor stated_seconds gives the file to libsndfile.
  void expect_refused(const std::string& bytes, const std::string& why) {
    write_bytes(path_, bytes);
    EXPECT_THAT(endless_header(path_), Optional(HasSubstr(why)));
    ::alarm(60);  // should it be given after all
    try {
      decode(path_);
      ADD_FAILURE() << why;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path_.string() + ": "));
      EXPECT_THAT(error.what(), HasSubstr(why));
    }
    EXPECT_EQ(stated_seconds(path_), 0);
    ::alarm(0);
  }
  void expect_frames(const std::string& bytes, Index frames) {
    write_bytes(path_, bytes);
    EXPECT_EQ(endless_header(path_), std::nullopt);
    EXPECT_EQ(decode(path_).frames(), frames);
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_ / "a.wav";
};

const std::string endless_list = "LIST"s + number(0xFFFFFFF8);

TEST_F(EndlessHeader, ListsThatLeadBackAreRefusedWhereverTheyStand) {
  const std::string alone = "RIFF"s + number(100) + "WAVE" + endless_list + endless_list;
  ASSERT_EQ(alone.size(), 28U);
  expect_refused(alone, "LIST around byte 28");
  const std::string good = good_wav(folder_);
  expect_refused(good + endless_list + endless_list, "about 4 GiB");
  expect_refused(good + "note" + number(3) + "abc\0"s + endless_list + endless_list, "LIST");
  // An item deep in a list that is itself in order.
  expect_refused(good + "LIST" + number(32) + "INFO" + "ICMT" + number(3) + "abc\0"s + "Ixyz" +
                     number(0xFFFFFFF0) + "123456789012",
                 "LIST");
  expect_refused("ID3\4\0\0\0\0\0\5abcde"s + alone, "LIST");
  std::string big_endian = "RIFX"s + number(100, true) + "WAVE";
  for (int i = 0; i < 2; ++i) big_endian += "LIST" + number(0xFFFFFFF8, true);
  expect_refused(big_endian, "LIST");
}

TEST_F(EndlessHeader, OtherFormatsThatLeadBackAreRefused) {
  const auto path = folder_ / "good";
  test::write_sound(path, test::noisy_sine(100, 440, 8000, 1), 8000, 1,
                    SF_FORMAT_RF64 | SF_FORMAT_PCM_16);
  std::string rf64 = read_bytes(path);
  expect_frames(rf64, 100);
  const auto sizes = rf64.find("ds64");
  ASSERT_NE(sizes, std::string::npos);
  rf64.replace(sizes + 16, 8, number(0xFFFFFFF8) + number(0xFFFFFFFF));
  expect_refused(rf64, "negative");
  test::write_sound(path, test::noisy_sine(100, 440, 8000, 1), 8000, 1,
                    SF_FORMAT_SVX | SF_FORMAT_PCM_16);
  expect_refused(read_bytes(path), "8SVX");
  test::write_sound(path, test::noisy_sine(100, 440, 8000, 1), 8000, 1,
                    SF_FORMAT_W64 | SF_FORMAT_PCM_16);
  expect_refused(read_bytes(path), "Wave64");
}

TEST_F(EndlessHeader, WhatRecordersWriteIsReadAsBefore) {
  const std::string good = good_wav(folder_);
  const auto size_of_sound = good.find("data") + 4;
  const auto with_size = [&](std::uint32_t size) {
    std::string bytes = good;
    return bytes.replace(size_of_sound, 4, number(size));
  };
  expect_frames(good, 100);
  expect_frames(with_size(0xFFFFFFFF), 100);
  expect_frames(with_size(0x7FFFF000), 100);
  // Closed before the sizes were known: the whole file says 8 bytes.
  std::string open = with_size(0);
  expect_frames(open.replace(4, 4, number(8)), 100);
  const std::string info = "INFOISFT"s + number(5) + "Lavf\0"s;
  expect_frames(good + "LIST" + number(18) + info + '\0', 100);
  expect_frames(good + "LIST" + number(17) + info, 100);                // without the pad byte
  expect_frames(good + "LIST" + number(30) + info, 100);                // longer than the file
  expect_frames(good + "LIST" + number(18) + info + "\0id3 \7"s, 100);  // a head cut off
  expect_frames(good + "LIST" + number(16) + "adtllabl" + number(0) + "\1\0\0\0"s, 100);
  expect_frames(good + "xyz " + number(0xFFFFFFFF) + "abc", 100);
}

/// Chunks and items of every kind and size in any order: what is not refused, libsndfile opens or
/// refuses itself, in no time.
TEST_F(EndlessHeader, FindsAllThatLeadsBack) {
  constexpr auto names = std::to_array<std::string_view>(
      {"LIST", "INFO", "adtl", "labl", "note", "ISFT", "exif", "ever", "olym",
       "data", "fmt ", "fact", "cue ", "smpl", "ds64", "PEAK", "bext", "xyz ",
       "COMM", "SSND", "COMT", "MARK", "ANNO", "NAME", "FVER", "INST", "\1\2\3\4"});
  constexpr auto sizes = std::to_array<std::uint32_t>(
      {0,          1,          2,          3,          4,          7,          8,
       12,         16,         18,         24,         40,         100,        2047,
       0x7FFFFFFF, 0x80000000, 0xFFFEFFFF, 0xFFFFFFC0, 0xFFFFFFE8, 0xFFFFFFF0, 0xFFFFFFF4,
       0xFFFFFFF7, 0xFFFFFFF8, 0xFFFFFFFC, 0xFFFFFFFF});
  const std::string good = good_wav(folder_);
  const Philox random(2026);
  int refused = 0;
  for (std::uint32_t file = 0; file < 1500; ++file) {
    std::uint32_t draw = 0;
    const auto any = [&](std::size_t count) { return random({file, draw++, 0, 0})[0] % count; };
    constexpr auto forms = std::to_array<std::string_view>({"RIFF", "RIFF", "RIFX", "RF64"});
    const bool aiff = any(5) == 0;
    const auto form = aiff ? "FORM" : forms[any(forms.size())];
    const bool big_endian = aiff || form == "RIFX";
    std::string bytes = std::string(form) + number(100, big_endian) + (aiff ? "AIFF" : "WAVE");
    if (any(2) == 0 && form == "RIFF") bytes = good;
    for (std::size_t chunks = 1 + any(12); chunks > 0; --chunks) {
      if (any(3) == 0) {
        bytes += "LIST" + number(static_cast<std::uint32_t>(any(64)), big_endian) + "INFO";
      }
      bytes += names[any(names.size())];
      if (any(8) != 0) bytes += number(sizes[any(sizes.size())], big_endian);
      if (any(3) == 0) bytes += std::string(any(20), static_cast<char>(any(3)));
    }
    write_bytes(path_, bytes);
    if (endless_header(path_)) {
      ++refused;
      continue;
    }
    SF_INFO info{};
    ::alarm(30);  // ends the test program
    sf_close(sf_open(path_.c_str(), SFM_READ, &info));
    ::alarm(0);
  }
  EXPECT_GT(refused, 20);
  EXPECT_LT(refused, 750);
}

}  // namespace
}  // namespace serenade
