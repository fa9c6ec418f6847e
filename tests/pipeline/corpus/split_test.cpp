#include "pipeline/corpus/split.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "pipeline/corpus/groups.h"
#include "tests/pipeline/corpus/ravdess_corpus.h"

namespace serenade {
namespace {

using test::count_labels;
using test::error_of;
using test::expect_partition;
using test::parts_of;
using test::ravdess;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

/// The id of the other repetition.
std::string twin_of(std::string id) {
  char& repetition = id.at(16);
  repetition = repetition == '1' ? '2' : '1';
  return id;
}

TEST(RandomSplit, IsStratified) {
  const Corpus corpus = ravdess(20);
  const Split split = make_split(corpus, {}, 1);
  EXPECT_EQ(split.protocol, "random");
  EXPECT_FALSE(split.speaker_independent);
  EXPECT_THAT(split.description, AllOf(HasSubstr("25% for testing"), HasSubstr("same speakers")));
  EXPECT_THAT(split.notes, IsEmpty());
  ASSERT_EQ(split.folds.size(), 1U);
  const Fold& fold = split.folds.front();
  expect_partition(corpus, fold);
  EXPECT_EQ(fold.test().size(), 300U);
  EXPECT_EQ(fold.validation().size(), 90U);
  for (const auto& [label, count] : count_labels(corpus, fold.test())) {
    EXPECT_EQ(count, label == "neutral" ? 20 : 40) << label;
  }
  for (const auto& [label, count] : count_labels(corpus, fold.validation())) {
    EXPECT_EQ(count, label == "neutral" ? 6 : 12) << label;
  }
}

TEST(RandomSplit, SeedsDiffer) {
  const Corpus corpus = ravdess(4);
  const auto one = parts_of(corpus, make_split(corpus, {}, 1).folds[0]);
  EXPECT_EQ(one, parts_of(corpus, make_split(corpus, {}, 1).folds[0]));
  EXPECT_NE(one, parts_of(corpus, make_split(corpus, {}, 2).folds[0]));
}

TEST(RandomSplit, TheSizeOfTheTestPartIsScikitLearns) {
  // ceil(share * n), as train_test_split(test_size=share); 0.1 * 30 must not become 4.
  const Corpus corpus = ravdess(std::vector{1});
  for (const auto& [share, wanted] : std::vector<std::pair<double, std::size_t>>{
           {0.25, 15}, {0.2, 12}, {0.26, 16}, {0.3, 18}, {0.7, 42}, {0.8, 48}}) {
    SplitOptions options;
    options.test_size = share;
    options.validation = 0;
    const Split split = make_split(corpus, options, 3);
    EXPECT_EQ(split.folds[0].test().size(), wanted) << share;
    EXPECT_TRUE(split.folds[0].validation().empty());
  }
}

TEST(RandomSplit, EveryClipIsDrawnAboutAsOften) {
  const Corpus corpus = ravdess(2);
  std::vector<int> drawn(corpus.utterances.size());
  constexpr int seeds = 400;
  for (int seed = 0; seed < seeds; ++seed) {
    const Split split = make_split(corpus, {}, static_cast<std::uint64_t>(seed));
    for (const std::size_t i : split.folds[0].test()) ++drawn[i];
  }
  // Binomial with p = 1/4: 100 +- 8.7. Five deviations of 120 clips are not met by chance.
  for (const int count : drawn) EXPECT_NEAR(count, seeds / 4.0, 44);
}

RC_GTEST_PROP(RandomSplit, DependsOnNeitherOrderNorFolders, ()) {
  const bool grouped = *rc::gen::arbitrary<bool>();
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const Corpus corpus = ravdess(*rc::gen::inRange(1, 5));
  Corpus shuffled = corpus;
  std::mt19937 shuffle(*rc::gen::arbitrary<unsigned>());
  std::shuffle(shuffled.utterances.begin(), shuffled.utterances.end(), shuffle);
  for (auto& utterance : shuffled.utterances) {
    utterance.path = fmt::format("{}/{}", shuffle(), utterance.id);
  }
  SplitOptions options;
  options.protocol = grouped ? Protocol::random_grouped : Protocol::random;
  RC_ASSERT(parts_of(corpus, make_split(corpus, options, seed).folds[0]) ==
            parts_of(shuffled, make_split(shuffled, options, seed).folds[0]));
}

RC_GTEST_PROP(RandomSplit, CopiesStayTogetherAndClassesKeepTheirShare, ()) {
  // Any recording may be there several times, under other ids.
  Corpus corpus = ravdess(3);
  const auto originals = corpus.utterances;
  const int extra = *rc::gen::inRange(0, 150);
  for (int k = 0; k < extra; ++k) {
    Utterance copy = originals[*rc::gen::inRange<std::size_t>(0, originals.size())];
    copy.id += fmt::format("#{}", k);
    corpus.utterances.push_back(copy);
  }
  SplitOptions options;
  options.protocol = *rc::gen::element(Protocol::random, Protocol::random_grouped);
  options.test_size = *rc::gen::element(0.1, 0.25, 0.5);
  const Split split = make_split(corpus, options, *rc::gen::arbitrary<std::uint64_t>());
  const Fold& fold = split.folds[0];
  const auto parts = parts_of(corpus, fold);
  RC_ASSERT(parts.size() == corpus.utterances.size());
  std::map<ContentHash, std::set<std::string>> sides;
  std::map<std::string, std::size_t> largest;
  for (const auto& utterance : corpus.utterances) {
    sides[utterance.content].insert(parts.at(utterance.id));
  }
  for (const auto& [content, where] : sides) RC_ASSERT(where.size() == 1U);
  for (const auto& each : group(corpus, options.protocol == Protocol::random_grouped)) {
    largest[each.label] = std::max(largest[each.label], each.members.size());
  }
  const auto test = count_labels(corpus, fold.test());
  for (const auto& label : corpus.labels) {
    const auto total = static_cast<double>(
        std::count_if(corpus.utterances.begin(), corpus.utterances.end(),
                      [&](const Utterance& utterance) { return utterance.label == label; }));
    // One for the rounding of the quota, and less than a group for what cannot be divided.
    RC_ASSERT(std::abs(test.at(label) - options.test_size * total) <=
              1.0 + static_cast<double>(largest[label]));
  }
}

TEST(RandomSplit, CopiesAreDividedWhereAskedFor) {
  Corpus corpus = ravdess(3);
  for (auto copy : std::vector<Utterance>(corpus.utterances)) {
    copy.id += "#2";
    corpus.utterances.push_back(copy);
  }
  const auto torn = [&] {
    const auto parts = parts_of(corpus, make_split(corpus, {}, 5).folds[0]);
    int count = 0;
    for (const auto& [id, part] : parts)
      count += parts.contains(id + "#2") && parts.at(id + "#2") != part;
    return count;
  };
  EXPECT_EQ(torn(), 0);
  corpus.duplicates_apart = true;
  EXPECT_GT(torn(), 40);
}

TEST(RandomSplit, FewCopiesDoNotShiftTheCounts) {
  Corpus corpus = ravdess(20);
  for (auto& utterance : corpus.utterances) {
    if (utterance.id == "03-01-03-01-02-02-07")
      utterance.content = hash_text("03-01-03-01-02-01-07");
  }
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Split split = make_split(corpus, {}, seed);
    EXPECT_EQ(split.folds[0].test().size(), 300U);
    EXPECT_EQ(count_labels(corpus, split.folds[0].test()).at("happy"), 40);
  }
}

TEST(RandomSplit, AClipKeepsItsDrawWhenOthersCome) {
  // Where the quota of a class allows, a test clip of the small corpus stays one in the larger:
  // exactly those whose draws are lowest.
  const Corpus small = ravdess(4);
  const Corpus large = ravdess(5);
  const auto before = parts_of(small, make_split(small, {}, 9).folds[0]);
  const auto after = parts_of(large, make_split(large, {}, 9).folds[0]);
  int same = 0;
  int test = 0;
  for (const auto& [id, part] : before) {
    if (part != "test") continue;
    ++test;
    same += after.at(id) == "test";
  }
  EXPECT_EQ(test, 60);
  EXPECT_GT(same, 48);  // a new draw would keep about 15
}

TEST(RandomSplit, SmallClassesAreOnBothSidesOrAnError) {
  Corpus corpus = ravdess(std::vector{1});
  std::erase_if(corpus.utterances, [](const Utterance& utterance) {
    return utterance.label == "calm" && utterance.fields.at("intensity") == "strong";
  });
  int calm = 0;
  std::erase_if(corpus.utterances, [&](const Utterance& utterance) {
    return utterance.label == "calm" && ++calm > 2;
  });
  SplitOptions options;
  options.test_size = 0.1;
  const Split split = make_split(corpus, options, 1);
  EXPECT_EQ(count_labels(corpus, split.folds[0].test()).at("calm"), 1);
  EXPECT_EQ(count_labels(corpus, split.folds[0].training().indices()).at("calm"), 1);

  int seen = 0;
  std::erase_if(corpus.utterances, [&](const Utterance& utterance) {
    return utterance.label == "calm" && ++seen > 1;
  });
  EXPECT_THAT(error_of([&] { make_split(corpus, options, 1); }),
              AllOf(HasSubstr("'calm' has 1"), HasSubstr("at least 2 different clips")));
  EXPECT_THAT(error_of([] { make_split(Corpus{}, {}, 1); }), HasSubstr("empty"));
}

TEST(RandomSplit, OptionsOutOfRangeAreNamed) {
  const Corpus corpus = ravdess(std::vector{1});
  SplitOptions options;
  options.test_size = 0;
  EXPECT_THAT(error_of([&] { make_split(corpus, options, 1); }), HasSubstr("test_size is 0"));
  options.test_size = 1.5;
  EXPECT_THROW(make_split(corpus, options, 1), ConfigError);
  options.test_size = 0.25;
  options.validation = -0.1;
  EXPECT_THROW(make_split(corpus, options, 1), ConfigError);
}

TEST(GroupedSplit, KeepsRepetitionsTogether) {
  const Corpus corpus = ravdess(20);
  SplitOptions options;
  options.protocol = Protocol::random_grouped;
  const Split split = make_split(corpus, options, 1);
  EXPECT_EQ(split.protocol, "random-grouped");
  EXPECT_FALSE(split.speaker_independent);
  const Fold& fold = split.folds.front();
  expect_partition(corpus, fold);
  EXPECT_EQ(fold.test().size(), 300U);
  EXPECT_EQ(fold.validation().size(), 90U);
  const auto parts = parts_of(corpus, fold);
  for (const auto& [id, part] : parts) EXPECT_EQ(parts.at(twin_of(id)), part) << id;
  // Which random does not do: three quarters of 900 twins are expected apart from a test clip.
  const auto apart = parts_of(corpus, make_split(corpus, {}, 1).folds.front());
  int torn = 0;
  for (const auto& [id, part] : apart) torn += apart.at(twin_of(id)) != part;
  EXPECT_GT(torn, 300);
}

TEST(GroupedSplit, NeedsToKnowWhatIsSaidAndUsesWhatElseIsKnown) {
  Corpus corpus = ravdess(4);
  for (auto& utterance : corpus.utterances) utterance.fields.erase("channel");
  const SplitOptions options{.protocol = Protocol::random_grouped};
  const auto parts = parts_of(corpus, make_split(corpus, options, 1).folds.front());
  for (const auto& [id, part] : parts) EXPECT_EQ(parts.at(twin_of(id)), part) << id;
  corpus.utterances[3].fields.erase("statement");
  EXPECT_THAT(error_of([&] { make_split(corpus, options, 1); }),
              AllOf(HasSubstr("'statement'"), HasSubstr(corpus.utterances[3].id)));
}

TEST(Split, NamesClassesThatAPartLacks) {
  Corpus corpus = ravdess(3);
  std::erase_if(corpus.utterances, [](const Utterance& utterance) {
    return utterance.label == "calm" && utterance.speaker != "02";
  });
  SplitOptions options;
  options.protocol = Protocol::emobox;
  options.validation = 0;
  EXPECT_THAT(make_split(corpus, options, 1).notes,
              AllOf(testing::Contains(HasSubstr("fold-5: no training clip is calm")),
                    testing::Contains(HasSubstr("fold-1: no test clip is calm"))));
}

TEST(Split, FoldsRefusePartsThatOverlap) {
  EXPECT_THROW(Fold("x", {0, 1}, {}, {1}), DataError);
  EXPECT_THROW(Fold("x", {1, 0}, {}, {2}), DataError);
  EXPECT_NO_THROW(Fold("x", {1, 3}, {0}, {2}));
}

TEST(Split, IsWrittenAsCsv) {
  Corpus corpus = ravdess({1, 2, 3});
  corpus.utterances[0].id = "a,\"b\"";
  Split split;
  std::vector<std::size_t> rest(corpus.utterances.size() - 2);
  std::iota(rest.begin(), rest.end(), std::size_t{2});
  split.folds.emplace_back("fold-1", rest, std::vector<std::size_t>{1},
                           std::vector<std::size_t>{0});
  const std::string text = split_csv(corpus, split);
  const auto content = [&](std::size_t i) { return to_string(corpus.utterances[i].content); };
  EXPECT_THAT(text, testing::StartsWith("id,content,speaker,label,fold,part\n"
                                        "\"a,\"\"b\"\"\"," +
                                        content(0) +
                                        ",01,neutral,fold-1,test\n"
                                        "03-01-01-01-01-01-02," +
                                        content(1) + ",02,neutral,fold-1,validation\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 181);
}

}  // namespace
}  // namespace serenade
