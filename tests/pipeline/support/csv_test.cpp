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

TEST(Csv, ATableKnowsItsColumnsByName) {
  CsvTable table("\xEF\xBB\xBF\nid,part,note,note\n\na,test,,1\r\n\"b,c\",training,x,2\n", "t.csv");
  EXPECT_THAT(table.names(), ElementsAre("id", "part", "note", "note"));
  EXPECT_EQ(table.column("part"), 1U);
  EXPECT_EQ(table.find("id"), std::optional<std::size_t>(0));
  EXPECT_EQ(table.find("fold"), std::nullopt);
  EXPECT_THAT([&] { table.column("fold"); },
              ThrowsMessage<DataError>(HasSubstr(
                  "t.csv, line 2: there is no column 'fold'; there are: id, part, note, note")));
  EXPECT_THAT([&] { table.find("note"); },
              ThrowsMessage<DataError>(HasSubstr("two columns are named note")));
  ASSERT_TRUE(table.next());
  EXPECT_EQ(table.line(), 4U);
  EXPECT_EQ(table[1], "test");
  ASSERT_TRUE(table.next());
  EXPECT_THAT(table.fields(), ElementsAre("b,c", "training", "x", "2"));
  EXPECT_FALSE(table.next());
}

TEST(Csv, ATableRefusesLinesOfAnotherLength) {
  CsvTable table("a,b\n1,2\n1,2,3\n", "t.csv");
  ASSERT_TRUE(table.next());
  EXPECT_THAT(
      [&] { table.next(); },
      ThrowsMessage<DataError>(HasSubstr("t.csv, line 3: 3 fields where the first line has 2")));
  for (const char* nothing : {"", "\n\r\n"}) {
    EXPECT_THAT([&] { CsvTable(nothing, "t.csv"); },
                ThrowsMessage<DataError>(HasSubstr("is empty; the first line names the columns")));
  }
}

}  // namespace
}  // namespace serenade
