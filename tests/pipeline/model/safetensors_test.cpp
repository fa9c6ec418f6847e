#include "pipeline/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "kernels/device/error.h"
#include "pipeline/support/files.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

class SafetensorsFile : public testing::Test {
 protected:
  /// A file of this header, its true length unless another is claimed, and `bytes` bytes of data.
  std::filesystem::path put(const std::string& header, std::size_t bytes,
                            std::optional<std::uint64_t> claimed = {}) const {
    const std::uint64_t length = claimed.value_or(header.size());
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header << std::string(bytes, '\0');
    return path_;
  }

  static std::string complaint(const std::filesystem::path& path) {
    return test::error_of<DataError>([&] { read_safetensors(path); });
  }
  std::string complaint_about(const std::string& header, std::size_t bytes,
                              std::optional<std::uint64_t> claimed = {}) const {
    return complaint(put(header, bytes, claimed));
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "a.safetensors";
};

template <class T>
Array<T> filled(Shape shape) {
  Array<T> array(shape);
  for (Index i = 0; i < array.size(); ++i) array[i] = static_cast<T>(i) - T{2};
  return array;
}

Safetensors example() {
  Safetensors contents;
  contents.metadata = {{"labels", "[\"calm\", \"zornig \\u00fc\"]"}, {"text", "two\nlines \"ü\""}};
  contents.tensors.emplace("kernel", filled<float>({3, 5, 2}));
  contents.tensors.emplace("a bias", filled<float>({3}));
  contents.tensors.emplace("mean", filled<double>({7}));
  contents.tensors.emplace("step", filled<std::int64_t>({}));
  contents.tensors.emplace("empty", filled<double>({4, 0}));
  return contents;
}

template <class T>
void expect_same(const Array<T>& a, const Array<T>& b) {
  ASSERT_EQ(a.shape(), b.shape());
  if (a.size() > 0) {
    EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(T)), 0);
  }
}

TEST_F(SafetensorsFile, GivesBackWhatWasWritten) {
  const Safetensors wrote = example();
  write_safetensors(path_, wrote);
  const Safetensors read = read_safetensors(path_);
  EXPECT_EQ(read.metadata, wrote.metadata);
  ASSERT_EQ(read.tensors.size(), wrote.tensors.size());
  for (const auto& [name, tensor] : wrote.tensors) {
    SCOPED_TRACE(name);
    ASSERT_EQ(dtype_name(read.tensors.at(name)), dtype_name(tensor));
    std::visit(
        [&, &key = name]<class T>(const Array<T>& array) {
          expect_same(array, std::get<Array<T>>(read.tensors.at(key)));
        },
        tensor);
  }
}

TEST_F(SafetensorsFile, WritesTheSameBytesAgainAndAlignsThem) {
  write_safetensors(path_, example());
  const std::string first = read_file(path_, 1 << 20);
  write_safetensors(path_, example());
  EXPECT_EQ(read_file(path_, 1 << 20), first);
  std::uint64_t length = 0;
  std::memcpy(&length, first.data(), sizeof length);
  EXPECT_EQ(length % 8, 0U);
  EXPECT_EQ(first[8], '{');
  // Wide types come first: 7 doubles and one integer before the floats of "a bias".
  EXPECT_THAT(first,
              testing::HasSubstr(R"("a bias":{"data_offsets":[64,76],"dtype":"F32","shape":[3]})"));
}

TEST_F(SafetensorsFile, ReadsAnEmptyOne) {
  EXPECT_TRUE(read_safetensors(put("{}", 0)).tensors.empty());
  EXPECT_TRUE(read_safetensors(put("{\"__metadata__\":{}}   ", 0)).metadata.empty());
}

TEST_F(SafetensorsFile, NamesTheFileAndWhatIsWrong) {
  const std::string complaint =
      complaint_about(R"({"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", 20);
  EXPECT_EQ(complaint, path_.string() +
                           ": not a safetensors file that can be used: tensor 'w': shape [2, 3] of "
                           "F32 takes 24 bytes, not the 20 given");
}

TEST_F(SafetensorsFile, RefusesHeadersThatDoNotFitTheFile) {
  using testing::HasSubstr;
  std::ofstream(path_) << "abc";
  EXPECT_THAT(complaint(path_), HasSubstr("3 bytes are too few"));
  EXPECT_THAT(complaint_about("{}", 0, 3), HasSubstr("the header claims 3 bytes but"));
  EXPECT_THAT(complaint_about("{}", 0, max_safetensors_header + 1), HasSubstr("more than"));
  EXPECT_THAT(complaint_about("{}", 0, std::numeric_limits<std::uint64_t>::max()),
              HasSubstr("more than"));
  EXPECT_THAT(complaint_about("", 0), HasSubstr("not JSON"));
  EXPECT_THAT(complaint_about("[]", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(complaint_about("{} {}", 0), HasSubstr("not JSON"));
  EXPECT_THAT(complaint_about("{\"a\xff\":1}", 0), HasSubstr("not JSON"));
  EXPECT_THAT(complaint_about(std::string(1000000, '['), 0), HasSubstr("nested deeper"));
  EXPECT_THROW(read_safetensors(folder_.path() / "absent"), IoError);
}

TEST_F(SafetensorsFile, RefusesWrongDescriptions) {
  const auto about = [&](const std::string& dtype, const std::string& shape,
                         const std::string& offsets, std::size_t bytes) {
    return complaint_about("{\"w\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
                               ",\"data_offsets\":" + offsets + "}}",
                           bytes);
  };
  using testing::HasSubstr;
  EXPECT_EQ(about("\"F32\"", "[2]", "[0,8]", 8), "no error");
  EXPECT_THAT(about("\"F33\"", "[2]", "[0,8]", 8), HasSubstr("dtype 'F33' is none of"));
  EXPECT_THAT(about("\"BF16\"", "[4]", "[0,8]", 8), HasSubstr("dtype 'BF16' is none of"));
  EXPECT_THAT(about("7", "[2]", "[0,8]", 8), HasSubstr("dtype is not a text"));
  EXPECT_THAT(about("\"F32\"", "2", "[0,8]", 8), HasSubstr("shape is not a list"));
  EXPECT_THAT(about("\"F32\"", "[1,1,1,1,2]", "[0,8]", 8), HasSubstr("shape is not a list"));
  EXPECT_THAT(about("\"F32\"", "[-2]", "[0,8]", 8), HasSubstr("an extent is not"));
  EXPECT_THAT(about("\"F32\"", "[2.0]", "[0,8]", 8), HasSubstr("an extent is not"));
  EXPECT_THAT(about("\"F32\"", "[[2]]", "[0,8]", 8), HasSubstr("nested deeper"));
  // 2^62 x 4 bytes is 0 in 64 bits; 2^63 fits no signed extent.
  EXPECT_THAT(about("\"F32\"", "[4611686018427387904]", "[0,0]", 0), HasSubstr("larger than any"));
  EXPECT_THAT(about("\"F32\"", "[9223372036854775808,0]", "[0,0]", 0),
              HasSubstr("larger than any"));
  EXPECT_THAT(about("\"F32\"", "[4294967296,4294967296,0]", "[0,0]", 0),
              HasSubstr("larger than any"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[0,8,9]", 8), HasSubstr("two whole numbers"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[-8,0]", 8), HasSubstr("two whole numbers"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[8,0]", 8), HasSubstr("do not lie in"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[0,8]", 7), HasSubstr("do not lie in"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[18446744073709551608,0]", 8), HasSubstr("do not lie in"));
  EXPECT_THAT(about("\"F32\"", "[1099511627776]", "[0,4398046511104]", 8),
              HasSubstr("do not lie in"));
  EXPECT_THAT(about("\"F32\"", "[3]", "[0,8]", 8), HasSubstr("takes 12 bytes, not the 8 given"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[0,8],\"more\":1", 8), HasSubstr("holds more than"));
  EXPECT_THAT(about("\"F32\"", "[2]", "[0,8],\"dtype\":\"F32\"", 8), HasSubstr("stands twice"));
  EXPECT_THAT(complaint_about(R"({"w":{"dtype":"F32","shape":[0]}})", 0),
              HasSubstr("'data_offsets' is missing"));
  EXPECT_THAT(complaint_about(R"({"w":3})", 0), HasSubstr("not an object"));
  EXPECT_THAT(complaint_about(R"({"__metadata__":{"a":1}})", 0), HasSubstr("is not a text"));
  EXPECT_THAT(complaint_about(R"({"__metadata__":[]})", 0), HasSubstr("is not an object"));
}

TEST_F(SafetensorsFile, RefusesOverlapsHolesRestsAndTwins) {
  const auto two = [&](const std::string& names, const std::string& first,
                       const std::string& second, std::size_t bytes) {
    const auto entry = [](const std::string& offsets) {
      return R"({"dtype":"F32","shape":[2],"data_offsets":)" + offsets + "}";
    };
    return complaint_about("{\"" + names.substr(0, 1) + "\":" + entry(first) + ",\"" +
                               names.substr(1) + "\":" + entry(second) + "}",
                           bytes);
  };
  using testing::HasSubstr;
  EXPECT_EQ(two("ab", "[8,16]", "[0,8]", 16), "no error");
  EXPECT_THAT(two("ab", "[0,8]", "[4,12]", 12), HasSubstr("tensors overlap"));
  EXPECT_THAT(two("ab", "[0,8]", "[0,8]", 8), HasSubstr("tensors overlap"));
  EXPECT_THAT(two("ab", "[0,8]", "[12,20]", 20), HasSubstr("there is a hole"));
  EXPECT_THAT(two("ab", "[4,12]", "[12,20]", 20), HasSubstr("there is a hole"));
  EXPECT_THAT(two("ab", "[0,8]", "[8,16]", 17), HasSubstr("1 bytes after the last tensor"));
  EXPECT_THAT(two("aa", "[0,8]", "[8,16]", 16), HasSubstr("'a' stands twice"));
}

TEST_F(SafetensorsFile, RefusesEveryTruncation) {
  write_safetensors(path_, example());
  const std::string whole = read_file(path_, 1 << 20);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    std::ofstream(path_, std::ios::binary) << whole.substr(0, length);
    EXPECT_NE(complaint(path_), "no error") << length;
  }
}

/// Whatever bytes change, the reader either refuses by DataError or reads tensors that lie in the
/// file; AddressSanitizer watches the rest.
RC_GTEST_FIXTURE_PROP(SafetensorsFile, SurvivesAnyDamage, ()) {
  write_safetensors(path_, example());
  std::string bytes = read_file(path_, 1 << 20);
  const int changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = *rc::gen::oneOf(rc::gen::elementOf(std::string("0123456789-[]{},:\"eE. ")),
                                rc::gen::arbitrary<char>());
  }
  std::ofstream(path_, std::ios::binary) << bytes;
  try {
    Index total = 0;
    for (const auto& [name, tensor] : read_safetensors(path_).tensors) {
      total += shape_of(tensor).size() * (dtype_name(tensor) == "F32" ? 4 : 8);
    }
    RC_ASSERT(total <= static_cast<Index>(bytes.size()));
  } catch (const DataError&) {
  }
}

TEST_F(SafetensorsFile, WritesNothingItWouldNotRead) {
  Safetensors contents;
  contents.metadata["long"] = std::string(max_safetensors_header, 'x');
  EXPECT_THROW(write_safetensors(path_, contents), DataError);
  contents.metadata["long"] = "\xff";
  EXPECT_THROW(write_safetensors(path_, contents), DataError);
  contents.metadata.clear();
  contents.tensors.emplace("__metadata__", Array<float>({1}));
  EXPECT_THROW(write_safetensors(path_, contents), DataError);
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_THROW(write_safetensors(folder_.path() / "absent" / "a", Safetensors{}), IoError);
}

}  // namespace
}  // namespace serenade
