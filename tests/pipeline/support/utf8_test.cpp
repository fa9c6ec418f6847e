#include "pipeline/support/utf8.h"

#include <gtest/gtest.h>

#include "pipeline/support/one_line.h"

namespace serenade {
namespace {

// Well-formed byte sequences as table 3-7 of the Unicode standard lists them: the first and the
// last of each row, and their neighbours outside.
TEST(Utf8, IsWhatTheStandardSays) {
  for (const char* good :
       {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xe0\xbf\xbf", "\xe1\x80\x80",
        "\xec\xbf\xbf", "\xed\x80\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf0\xbf\xbf\xbf", "\xf1\x80\x80\x80", "\xf3\xbf\xbf\xbf",
        "\xf4\x80\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
    EXPECT_EQ(as_utf8(good), good);
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2 ", "\xc2\xc0", "\xe0\x9f\xbf",
        "\xe0\xa0", "\xed\xa0\x80", "\xe1\x80\xc0", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << as_utf8(bad);
    EXPECT_TRUE(is_utf8(as_utf8(bad)));
  }
  EXPECT_EQ(from_first_bad_byte("ab\xff\xc3\xa4"), "\xff\xc3\xa4");
  EXPECT_EQ(as_utf8("a\xff\xc3\xa4\xc3"), "a\\xff\xc3\xa4\\xc3");
}

TEST(OneLine, ShowsControlCharacters) {
  EXPECT_EQ(one_line("plain \xc3\xa4\xc2\xa0"), "plain \xc3\xa4\xc2\xa0");
  EXPECT_EQ(one_line(std::string_view("a\nb\x1b[0m\0\x7f", 9)), "a\\nb\\x1b[0m\\x00\\x7f");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "31m\xc2"),
            "\\x9b31m\xc2");
}

}  // namespace
}  // namespace serenade
