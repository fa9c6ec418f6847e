#include "kernels/device/options.h"

#include <gtest/gtest.h>

namespace serenade {
namespace {

enum class Window { hann, hamming };
constexpr auto enum_names(Window) { return std::to_array<std::string_view>({"hann", "hamming"}); }

struct Inner {
  double rate = 0.1;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("rate", self.rate, Range{0, 1, true}, "a share");
  }
};

struct Outer {
  int n = 3;
  Window window = Window::hamming;
  std::vector<int> sizes = {1, 2};
  std::optional<double> limit;
  Inner inner;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor& visit) {
    visit("n", self.n, Range{1, 8}, "a count");
    visit("window", self.window, Range{}, "a window");
    visit("sizes", self.sizes, Range{1}, "sizes");
    visit("limit", self.limit, Range{0, 5}, "a limit");
    visit("inner", self.inner, Range{}, "more");
  }
};

TEST(Options, PrintCanonically) {
  EXPECT_EQ(canonical_text(Outer{}),
            "{n: 3, window: hamming, sizes: [1, 2], limit: null, inner: {rate: 0.1}}");
}

TEST(Options, CheckWhatIsOptionalAndEveryItemOfAList) {
  Outer options;
  options.sizes = {1, 0};
  EXPECT_THROW(check_ranges(options), ConfigError);
  options.sizes.clear();
  check_ranges(options);
  options.limit = 7;
  EXPECT_THROW(check_ranges(options), ConfigError);
}

TEST(Options, NameTheFieldThatIsOutOfRange) {
  Outer options;
  check_ranges(options);
  options.n = 9;
  EXPECT_THROW(check_ranges(options), ConfigError);
  options.n = 8;
  options.inner.rate = 0;
  try {
    check_ranges(options);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "rate is 0 but must be more than 0 and at most 1");
  }
}

}  // namespace
}  // namespace serenade
