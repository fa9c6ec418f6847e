#include "pipeline/features/plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace serenade {
namespace {

std::vector<std::size_t> counts(const std::vector<PlannedShard>& shards) {
  std::vector<std::size_t> result;
  result.reserve(shards.size());
  for (const auto& shard : shards) result.push_back(shard.clips.size());
  return result;
}

TEST(Plan, CutsWhereAShardIsFull) {
  std::vector<ClipSize> clips;
  for (std::uint64_t i = 0; i < 7; ++i) clips.push_back({{i, 0}, 1.0, 100});
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(counts(cut_into_shards(clips, 0, {1000, 100, 3})), (Counts{3, 3, 1}));
  EXPECT_EQ(counts(cut_into_shards(clips, 0, {400, 100, 100})), (Counts{4, 3}));
  EXPECT_EQ(counts(cut_into_shards(clips, 0, {1000, 5.0, 100})), (Counts{5, 2}));
  clips[2].bytes = 5000;
  EXPECT_EQ(counts(cut_into_shards(clips, 0, {400, 100, 100})), (Counts{2, 1, 4}));
  clips[6].bytes = static_cast<std::size_t>(-1);
  const auto shards = cut_into_shards(clips, 9, {400, 100, 100});
  EXPECT_EQ(counts(shards), (Counts{2, 1, 3, 1}));
  EXPECT_EQ(shards[0].number, 9);
  EXPECT_EQ(shards[3].number, 12);
  EXPECT_EQ(shards[3].clips[0], clips[6].content);
  EXPECT_TRUE(cut_into_shards({}, 0).empty());
}

TEST(Plan, ReadsBackWhatWasWritten) {
  const test::TemporaryFolder folder;
  const Plan plan{12, {{5, {{1, 2}, {3, ~std::uint64_t{0}}}}, {6, {{4, 5}}}}};
  write_plan(folder.path(), plan);
  write_plan(folder.path(), {2, {{0, {{9, 9}}}}});
  test::write_bytes(folder / "plan-x.json", "not a plan's name");
  const auto plans =
      read_plans(folder.path(), [](const auto&, const std::string& why) { ADD_FAILURE() << why; });
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[0].number, 2);
  EXPECT_EQ(plans[1].number, 12);
  ASSERT_EQ(plans[1].shards.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(plans[1].shards[i].number, plan.shards[i].number);
    EXPECT_EQ(plans[1].shards[i].clips, plan.shards[i].clips);
  }
}

TEST(Plan, ReportsWhatIsNoPlan) {
  const test::TemporaryFolder folder;
  const std::string hash(32, 'a');
  const auto with_shards = [](const std::string& shards) {
    return fmt::format("{{\"format\": 1, \"first_shard\": 0, \"shards\": {}}}", shards);
  };
  int refused = 0;
  const auto read = [&](const std::string& text) {
    test::write_bytes(folder / "plan-000.json", text);
    return read_plans(folder.path(), [&](const auto&, const auto&) { ++refused; }).size();
  };
  EXPECT_EQ(read(with_shards(fmt::format("[[\"{}\"]]", hash))), 1U);
  const std::string twice = fmt::format("[[\"{0}\", \"{0}\"]]", hash);
  EXPECT_EQ(refused, 0);
  const auto with_numbers = [&](const std::string& format, const std::string& first) {
    return fmt::format("{{\"format\": {}, \"first_shard\": {}, \"shards\": [[\"{}\"]]}}", format,
                       first, hash);
  };
  EXPECT_EQ(read(with_numbers("1", "0")), 1U);
  for (const std::string& text :
       {std::string(), std::string("\0\1\2", 3), std::string("{}"), with_shards("[[]]"),
        with_shards("7"), with_shards("[7]"), with_shards("[[7]]"), with_shards("[[\"short\"]]"),
        with_shards(twice), std::string(100'000, '['),
        // Numbers that are none, that a conversion would cut, and one that a sum would wrap around.
        with_numbers("1", "-1"), with_numbers("1", "9223372036854775807"),
        with_numbers("1", "18446744073709551615"), with_numbers("1", "1e45"),
        with_numbers("1", "0.5"), with_numbers("1e45", "0"), with_numbers("4294967297", "0"),
        with_numbers("true", "0"), with_numbers("2", "0")}) {
    const int before = refused;
    EXPECT_EQ(read(text), 0U) << text.substr(0, 80);
    EXPECT_EQ(refused, before + 1) << text.substr(0, 80);
  }
}

}  // namespace
}  // namespace serenade
