#include "pipeline/support/files.h"

#include <gmock/gmock.h>

#include "kernels/device/error.h"
#include "pipeline/support/parse_number.h"
#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

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

}  // namespace
}  // namespace serenade
