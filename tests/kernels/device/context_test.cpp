#include "kernels/device/context.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>
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

TEST(Context, RunsTheChunksOfEachOfManyShortJobs) {
  // With more threads than cores some sleep, or are held up, through jobs of other sizes.
  for (const int threads : {2, 16}) {
    Context context(threads);
    for (Index job = 0; job < 5000; ++job) {
      const Index chunks = 2 + job * 7 % 13;
      std::atomic<Index> sum{0};
      context.parallel(chunks, [&](Index chunk) { sum += chunk < chunks ? chunk + 1 : 1000; });
      ASSERT_EQ(sum.load(), chunks * (chunks + 1) / 2) << "job " << job << " of " << threads;
    }
  }
}

TEST(Context, RunsJobsWithPausesBetweenThem) {
  Context context(2);  // whose thread sleeps, or is about to, when the next job comes
  for (int job = 0; job < 300; ++job) {
    std::this_thread::sleep_for(std::chrono::microseconds(job));
    std::atomic<int> runs{0};
    context.parallel(3, [&](Index) { ++runs; });
    ASSERT_EQ(runs.load(), 3);
  }
}

TEST(Context, MayEndRightAfterAJob) {
  for (int i = 0; i < 300; ++i) {
    std::atomic<int> runs{0};
    Context(3).parallel(5, [&](Index) { ++runs; });
    ASSERT_EQ(runs.load(), 5);
  }
}

TEST(Context, PassesOnOneOfManyExceptions) {
  Context context(3);
  for (int i = 0; i < 300; ++i) {
    EXPECT_THROW(context.parallel(7, [](Index) { throw DataError("all"); }), DataError);
    std::atomic<int> runs{0};
    context.parallel(7, [&](Index) { ++runs; });
    ASSERT_EQ(runs.load(), 7);
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

/// The program's end where a context of many threads works although there is memory for a few.
[[noreturn]] void use_more_threads_than_there_are() {
  const rlimit limit{std::size_t{1} << 28U, std::size_t{1} << 28U};  // a thread's stack takes 2^23
  ::setrlimit(RLIMIT_AS, &limit);
  int status = 1;
  {
    Context context(500);
    std::atomic<int> runs{0};
    context.parallel(1000, [&](Index) { ++runs; });
    if (context.threads() < 500 && runs == 1000) status = 0;
  }
  std::_Exit(status);
}

TEST(Context, MakesDoWithTheThreadsThatTheSystemGives) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer needs more address space than this test leaves";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(use_more_threads_than_there_are(), testing::ExitedWithCode(0), "");
}

TEST(Context, LendsTheSameMemoryAgain) {
  Context context;
  const float* first = nullptr;
  const float* second = nullptr;
  {
    const Lent large = context.lend({100, 1000});
    const Lent small = context.lend({50, 100});
    EXPECT_EQ(large.view().shape(), (Shape{100, 1000}));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large.view().data()) % 64, 0U);
    first = large.view().data();
    second = small.view().data();
  }
  for (int i = 0; i < 3; ++i) {
    // Each gets what fits best, whichever asks first.
    const Lent small = context.lend({5100});
    const Lent large = context.lend({99, 1001});
    EXPECT_EQ(small.view().data(), second);
    EXPECT_EQ(large.view().data(), first);
    const Lent another = context.lend({3});
    EXPECT_NE(another.view().data(), first);
    EXPECT_NE(another.view().data(), second);
  }
  EXPECT_EQ(context.lend({0, 7}).view().size(), 0);
}

TEST(Context, TakesBackWhatOutlivesIt) {
  Lent kept;
  {
    Context context;
    kept = context.lend({10});
    Context moved(std::move(context));
    kept = moved.lend({20});
  }
  kept.view().data()[19] = 1;
  kept = Lent();
  EXPECT_EQ(kept.view().size(), 0);
}

TEST(Context, RefusesToLendWhatNoMemoryHolds) {
  Context context;
  constexpr Index huge = Index{1} << 40U;
  EXPECT_THROW(context.lend({huge, huge}), std::bad_alloc);
  EXPECT_EQ(context.lend({4}).view().size(), 4);
}

TEST(Context, RefusesNegativeThreads) { EXPECT_THROW(Context(-1), ConfigError); }

}  // namespace
}  // namespace serenade
