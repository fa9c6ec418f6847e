#include "kernels/device/context.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace serenade {
namespace {

TEST(Context, RunsEveryChunkExactlyOnce) {
  for (const int threads : {1, 2, 3, 7}) {
    Context context(threads);
    EXPECT_EQ(context.threads(), threads);
    for (const Index chunks : {Index{0}, Index{1}, Index{2}, Index{1000}}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks));
      context.parallel(chunks, [&](Index chunk) { ++runs[static_cast<std::size_t>(chunk)]; });
      for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(Context, PassesAnExceptionOnAndStaysUsable) {
  Context context(3);
  EXPECT_THROW(context.parallel(100,
                                [](Index chunk) {
                                  if (chunk == 17) throw DataError("seventeen");
                                }),
               DataError);
  std::atomic<int> runs{0};
  context.parallel(10, [&](Index) { ++runs; });
  EXPECT_EQ(runs.load(), 10);
}

TEST(Context, RefusesNegativeThreads) { EXPECT_THROW(Context(-1), ConfigError); }

}  // namespace
}  // namespace serenade
