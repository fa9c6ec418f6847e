#include "pipeline/support/csv.h"

#include <gmock/gmock.h>

#include "kernels/device/error.h"

namespace serenade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Csv, EmptyLinesCanBePassedOver) {
  const std::string text = "\n\r\na,b\n\n\"\"\n1,2\n\n";
  std::vector<std::string> fields;
  CsvReader reader(text, "t.csv");
  ASSERT_TRUE(reader.next_filled(fields));
  EXPECT_THAT(fields, ElementsAre("a", "b"));
  EXPECT_EQ(reader.line(), 3U);
  ASSERT_TRUE(reader.next_filled(fields));
  EXPECT_THAT(fields, ElementsAre("1", "2"));
  EXPECT_EQ(reader.line(), 6U);
  EXPECT_FALSE(reader.next_filled(fields));

  CsvReader every(text, "t.csv");
  ASSERT_TRUE(every.next(fields));
  EXPECT_THAT(fields, ElementsAre(""));
}

TEST(Csv, AByteOrderMarkIsNoPartOfTheText) {
  EXPECT_EQ(without_byte_order_mark("\xEF\xBB\xBFid,part\n", "t.csv"), "id,part\n");
  EXPECT_EQ(without_byte_order_mark("id,part\n", "t.csv"), "id,part\n");
  EXPECT_EQ(without_byte_order_mark("", "t.csv"), "");
  for (const std::string_view mark : {"\xFF\xFE", "\xFE\xFF"}) {
    EXPECT_THAT([&] { without_byte_order_mark(mark, "t.csv"); },
                ThrowsMessage<DataError>(HasSubstr("t.csv, line 1: is UTF-16")));
  }
}

}  // namespace
}  // namespace serenade
