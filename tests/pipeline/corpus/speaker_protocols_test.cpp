#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "tests/pipeline/corpus/ravdess_corpus.h"

namespace serenade {
namespace {

using test::error_of;
using test::expect_partition;
using test::parts_of;
using test::ravdess;
using test::speakers_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto by_speaker = std::to_array<Protocol>(
    {Protocol::emobox, Protocol::luna, Protocol::loso, Protocol::speaker_kfold});

/// Speakers with anything from one clip to forty, half of them of a sex that is told, some clips
/// twice under another id.
Corpus any_corpus(int speakers) {
  Corpus corpus;
  corpus.name = "ravdess";  // whose protocols take speakers that are numbers
  corpus.labels = {"calm", "angry"};
  for (int speaker = 1; speaker <= speakers; ++speaker) {
    const int clips = *rc::gen::inRange(1, 41);
    const auto sex = *rc::gen::element<std::string>("female", "male", "");
    for (int clip = 0; clip < clips; ++clip) {
      const auto id = fmt::format("{:02}-{:02}", speaker, clip);
      Utterance utterance{
          id, id + ".wav", hash_text(id), fmt::format("{:02}", speaker), corpus.labels[clip % 2U],
          {}};
      if (!sex.empty()) utterance.fields["sex"] = sex;
      corpus.utterances.push_back(utterance);
      if (clip % 7 != 3) continue;
      utterance.id += "#2";
      corpus.utterances.push_back(utterance);
    }
  }
  return corpus;
}

SplitOptions with(Protocol protocol, double validation = 0.1) {
  SplitOptions options;
  options.protocol = protocol;
  options.validation = validation;
  return options;
}

RC_GTEST_PROP(SpeakerProtocols, NeverShareSpeakersAndTestEachOnce, ()) {
  const Corpus corpus = any_corpus(24);
  SplitOptions options =
      with(*rc::gen::elementOf(std::vector(by_speaker.begin(), by_speaker.end())),
           *rc::gen::element(0.0, 0.1, 0.4));
  options.folds = *rc::gen::inRange(2, 20);
  const Split split = make_split(corpus, options, *rc::gen::arbitrary<std::uint64_t>());
  RC_ASSERT(split.speaker_independent);
  std::multiset<std::string> tested;
  for (const auto& fold : split.folds) {
    expect_partition(corpus, fold);
    const auto training = speakers_of(corpus, fold.training().indices());
    const auto validation = speakers_of(corpus, fold.validation());
    const auto test = speakers_of(corpus, fold.test());
    RC_ASSERT(training.size() + validation.size() + test.size() == 24U);  // none in two parts
    RC_ASSERT(validation.empty() == (options.validation == 0));
    tested.insert(test.begin(), test.end());
  }
  RC_ASSERT(tested.size() == 24U);
  RC_ASSERT(std::set<std::string>(tested.begin(), tested.end()).size() == 24U);
}

RC_GTEST_PROP(SpeakerProtocols, DependOnNeitherOrderNorFolders, ()) {
  const Corpus corpus = any_corpus(24);
  Corpus shuffled = corpus;
  std::mt19937 shuffle(*rc::gen::arbitrary<unsigned>());
  std::shuffle(shuffled.utterances.begin(), shuffled.utterances.end(), shuffle);
  for (auto& utterance : shuffled.utterances) {
    utterance.path = fmt::format("{}/{}", shuffle(), utterance.id);
  }
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  for (const Protocol protocol : by_speaker) {
    const Split one = make_split(corpus, with(protocol), seed);
    const Split two = make_split(shuffled, with(protocol), seed);
    RC_ASSERT(one.folds.size() == two.folds.size());
    for (std::size_t k = 0; k < one.folds.size(); ++k) {
      RC_ASSERT(one.folds[k].name() == two.folds[k].name());
      RC_ASSERT(parts_of(corpus, one.folds[k]) == parts_of(shuffled, two.folds[k]));
    }
  }
}

RC_GTEST_PROP(SpeakerKFold, FoldsAreAlikeInClipsAndSex, ()) {
  const int speakers = *rc::gen::inRange(5, 40);
  const Corpus corpus = any_corpus(speakers);
  SplitOptions options = with(Protocol::speaker_kfold);
  options.folds = *rc::gen::inRange(2, std::min(speakers, 9));
  const Split split = make_split(corpus, options, *rc::gen::arbitrary<std::uint64_t>());
  RC_ASSERT(split.folds.size() == static_cast<std::size_t>(options.folds));

  const auto sex_of = [](const Utterance& utterance) {
    const auto sex = utterance.fields.find("sex");
    return sex == utterance.fields.end() ? std::string() : sex->second;
  };
  std::map<std::string, std::map<std::string, std::size_t>> clips_of;  // sex, speaker
  for (const auto& utterance : corpus.utterances) {
    ++clips_of[sex_of(utterance)][utterance.speaker];
  }
  for (const auto& [sex, of_speaker] : clips_of) {
    std::size_t largest = 0;
    for (const auto& [speaker, clips] : of_speaker) largest = std::max(largest, clips);
    std::vector<std::size_t> numbers;
    std::vector<std::size_t> clips;
    for (const auto& fold : split.folds) {
      std::size_t count = 0;
      std::set<std::string> members;
      for (const std::size_t i : fold.test()) {
        if (sex_of(corpus.utterances[i]) != sex) continue;
        ++count;
        members.insert(corpus.utterances[i].speaker);
      }
      clips.push_back(count);
      numbers.push_back(members.size());
    }
    const auto spread = [](const std::vector<std::size_t>& values) {
      return *std::max_element(values.begin(), values.end()) -
             *std::min_element(values.begin(), values.end());
    };
    RC_ASSERT(spread(numbers) <= 1U);
    RC_ASSERT(spread(clips) <= largest);
  }
}

TEST(SpeakerKFold, LeavesSpeakersToLearnFromWhereOneHasMostClips) {
  // By clips alone the other four would be tested together.
  const std::vector<std::pair<std::string, int>> speakers{
      {"female", 1}, {"", 4}, {"", 1}, {"male", 1}, {"", 1}};
  Corpus corpus;
  corpus.name = "csv";
  corpus.labels = {"calm"};
  for (std::size_t i = 0; i < speakers.size(); ++i) {
    for (int clip = 0; clip < speakers[i].second; ++clip) {
      const auto id = fmt::format("{}-{}", i, clip);
      corpus.utterances.push_back({id,
                                   id + ".wav",
                                   hash_text(id),
                                   std::to_string(i),
                                   "calm",
                                   {{"sex", speakers[i].first}}});
    }
  }
  SplitOptions options = with(Protocol::speaker_kfold);
  options.folds = 2;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (const Fold& fold : make_split(corpus, options, seed).folds) {
      EXPECT_LE(speakers_of(corpus, fold.test()).size(), 3U) << seed;
    }
  }
}

TEST(SpeakerKFold, BalancesRavdess) {
  const Corpus corpus = ravdess(20);
  const Split split = make_split(corpus, with(Protocol::speaker_kfold), 1);
  EXPECT_EQ(split.protocol, "speaker-kfold");
  EXPECT_THAT(split.notes, IsEmpty());
  ASSERT_EQ(split.folds.size(), 5U);
  for (const auto& fold : split.folds) {
    EXPECT_EQ(fold.test().size(), 240U);
    EXPECT_EQ(fold.validation().size(), 120U);
    const auto males = std::count_if(fold.test().begin(), fold.test().end(), [&](std::size_t i) {
      return corpus.utterances[i].fields.at("sex") == "male";
    });
    EXPECT_EQ(males, 120);
  }
  const auto tested = [&](std::uint64_t seed) {
    const Split one = make_split(corpus, with(Protocol::speaker_kfold), seed);
    return speakers_of(corpus, one.folds[0].test());
  };
  std::set<std::set<std::string>> different;
  for (std::uint64_t seed = 0; seed < 10; ++seed) different.insert(tested(seed));
  EXPECT_GT(different.size(), 5U);
  EXPECT_EQ(tested(3), tested(3));
}

TEST(SpeakerKFold, SeedsDifferAlsoWhereNoTwoSpeakersHaveAsManyClips) {
  Corpus corpus = ravdess(6);
  for (int speaker = 1; speaker <= 6; ++speaker) {
    int seen = 0;
    std::erase_if(corpus.utterances, [&](const Utterance& utterance) {
      return utterance.speaker == fmt::format("{:02}", speaker) && seen++ >= 40 + speaker;
    });
  }
  SplitOptions options = with(Protocol::speaker_kfold);
  options.folds = 3;
  std::set<std::set<std::string>> different;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    different.insert(speakers_of(corpus, make_split(corpus, options, seed).folds[0].test()));
  }
  EXPECT_GT(different.size(), 3U);
}

TEST(SpeakerKFold, MoreFoldsThanSpeakersAreAnError) {
  SplitOptions options = with(Protocol::speaker_kfold);
  options.folds = 7;
  EXPECT_THAT(error_of([&] { make_split(ravdess(6), options, 1); }),
              AllOf(HasSubstr("split.folds is 7"), HasSubstr("6 speakers")));
  options.folds = 2;
  EXPECT_THAT(error_of([&] { make_split(ravdess(2), options, 1); }),
              HasSubstr("at least 3 speakers"));
  options.folds = 1;
  EXPECT_THROW(make_split(ravdess(6), options, 1), ConfigError);
}

TEST(Loso, IsAFoldForEachSpeaker) {
  Corpus corpus = ravdess({3, 5, 11, 20});
  corpus.name = "another";
  const Split split = make_split(corpus, with(Protocol::loso), 1);
  EXPECT_EQ(split.protocol, "loso");
  EXPECT_TRUE(split.speaker_independent);
  EXPECT_THAT(split.notes, IsEmpty());
  std::vector<std::string> tested;
  for (const auto& fold : split.folds) {
    ASSERT_EQ(speakers_of(corpus, fold.test()).size(), 1U);
    tested.push_back(fold.name() + " " + *speakers_of(corpus, fold.test()).begin());
    EXPECT_EQ(speakers_of(corpus, fold.validation()).size(), 1U);
    EXPECT_EQ(fold.test().size(), 60U);
  }
  EXPECT_THAT(tested, ElementsAre("fold-1 03", "fold-2 05", "fold-3 11", "fold-4 20"));
  EXPECT_THAT(error_of([] { make_split(ravdess(2), with(Protocol::loso), 1); }),
              HasSubstr("loso needs at least 3 speakers (test, training, validation)"));
  EXPECT_EQ(make_split(ravdess(2), with(Protocol::loso, 0), 1).folds.size(), 2U);
}

TEST(Luna, HasThePublishedActors) {
  const Corpus corpus = ravdess(24);
  const Split split = make_split(corpus, with(Protocol::luna), 1);
  EXPECT_EQ(split.protocol, "luna");
  EXPECT_THAT(split.notes, IsEmpty());
  ASSERT_EQ(split.folds.size(), 5U);
  // Copied from the papers a second time, here by fold: test, validation.
  const std::vector<std::pair<std::set<std::string>, std::set<std::string>>> wanted{
      {{"02", "05", "14", "15", "16"}, {"03", "06"}},
      {{"03", "06", "07", "13", "18"}, {"10", "11"}},
      {{"10", "11", "12", "19", "20"}, {"08", "17"}},
      {{"08", "17", "21", "23", "24"}, {"01", "14"}},
      {{"01", "04", "09", "22"}, {"02", "05"}}};
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    EXPECT_EQ(speakers_of(corpus, split.folds[k].test()), wanted[k].first) << k;
    EXPECT_EQ(speakers_of(corpus, split.folds[k].validation()), wanted[k].second) << k;
  }
  // Seeds and shares change nothing, but 0 holds nobody out.
  EXPECT_EQ(split_csv(corpus, make_split(corpus, with(Protocol::luna, 0.5), 2)),
            split_csv(corpus, split));
  const Split none = make_split(corpus, with(Protocol::luna, 0), 1);
  for (const auto& fold : none.folds) EXPECT_TRUE(fold.validation().empty());
  EXPECT_THAT(none.notes, ElementsAre(HasSubstr("that luna names are learned from")));
}

TEST(Luna, RunsOnTheActorsPresentAndSaysSo) {
  const Corpus most = ravdess(20);
  const Split split = make_split(most, with(Protocol::luna), 1);
  EXPECT_THAT(split.notes, ElementsAre(HasSubstr("21-24 are not in the data")));
  EXPECT_THAT(speakers_of(most, split.folds[3].test()), ElementsAre("08", "17"));

  const Corpus few = ravdess({1, 2, 3, 7, 8, 12});
  const Split some = make_split(few, with(Protocol::luna), 1);
  EXPECT_THAT(
      some.notes,
      ElementsAre(HasSubstr("4-6, 9-11, 13-24 are not in the data"),
                  HasSubstr("fold-2: none of its validation actors (10, 11) is there; others")));
  ASSERT_EQ(some.folds.size(), 5U);
  EXPECT_EQ(speakers_of(few, some.folds[1].validation()).size(), 1U);
  EXPECT_THAT(speakers_of(few, some.folds[0].validation()), ElementsAre("03"));
  Corpus other = ravdess(3);
  other.name = "tess";
  EXPECT_THAT(error_of([&] { make_split(other, with(Protocol::luna), 1); }),
              AllOf(HasSubstr("luna names actors of RAVDESS"), HasSubstr("tess")));
}

TEST(Emobox, TestsEveryActorOnce) {
  const Corpus corpus = ravdess(24);
  SplitOptions options;
  options.protocol = Protocol::emobox;
  const Split split = make_split(corpus, options, 1);
  EXPECT_EQ(split.protocol, "emobox");
  EXPECT_TRUE(split.speaker_independent);
  EXPECT_THAT(split.notes, IsEmpty());
  ASSERT_EQ(split.folds.size(), 6U);
  std::multiset<std::string> tested;
  std::set<std::set<std::string>> validations;
  for (const auto& fold : split.folds) {
    expect_partition(corpus, fold);
    const auto test = speakers_of(corpus, fold.test());
    const auto validation = speakers_of(corpus, fold.validation());
    const auto training = speakers_of(corpus, fold.training().indices());
    EXPECT_EQ(test.size(), 4U);
    EXPECT_EQ(validation.size(), 2U);
    EXPECT_EQ(training.size(), 18U);
    tested.insert(test.begin(), test.end());
    validations.insert(validation);
  }
  EXPECT_EQ(tested.size(), 24U);
  EXPECT_EQ(std::set<std::string>(tested.begin(), tested.end()).size(), 24U);
  EXPECT_GT(validations.size(), 1U);
  EXPECT_THAT(speakers_of(corpus, split.folds[0].test()), ElementsAre("01", "11", "20", "21"));
  EXPECT_THAT(speakers_of(corpus, split.folds[5].test()), ElementsAre("06", "13", "17", "22"));
}

TEST(Emobox, RunsOnTheActorsPresentAndSaysSo) {
  const Corpus corpus = ravdess(20);
  SplitOptions options;
  options.protocol = Protocol::emobox;
  const Split split = make_split(corpus, options, 1);
  EXPECT_THAT(split.notes, ElementsAre(HasSubstr("21-24 are not in the data")));
  EXPECT_EQ(split.folds.size(), 6U);
  EXPECT_THAT(speakers_of(corpus, split.folds[0].test()), ElementsAre("01", "11", "20"));

  const Split few = make_split(ravdess({1, 2, 4, 25}), options, 1);
  ASSERT_EQ(few.folds.size(), 3U);
  EXPECT_EQ(few.folds[2].name(), "fold-5");
  EXPECT_THAT(few.notes,
              ElementsAre(HasSubstr("3, 5-24 are not in the data"), HasSubstr("fold-3 is left out"),
                          HasSubstr("fold-4 is left out"), HasSubstr("fold-6 is left out"),
                          HasSubstr("actors 25 are in no test part")));
}

TEST(Emobox, TooFewActorsOrAnotherCorpusAreErrors) {
  SplitOptions options;
  options.protocol = Protocol::emobox;
  EXPECT_THAT(error_of([&] { make_split(ravdess(std::vector{1}), options, 1); }),
              HasSubstr("has 1"));
  EXPECT_THAT(error_of([&] {
                make_split(ravdess({1, 2}), options, 1);
              }),
              HasSubstr("at least 3 actors"));
  EXPECT_THAT(error_of([&] {
                make_split(ravdess({1, 11, 20, 2}), options, 1);
              }),
              AllOf(HasSubstr("fold-1"), HasSubstr("leaves 1")));
  options.validation = 0;
  EXPECT_EQ(make_split(ravdess({1, 2}), options, 1).folds.size(), 2U);
  EXPECT_THAT(error_of([&] { make_split(ravdess({1, 11}), options, 1); }), HasSubstr("leaves 0"));
  Corpus other = ravdess(3);
  other.name = "tess";
  EXPECT_THROW(make_split(other, options, 1), ConfigError);
}

}  // namespace
}  // namespace serenade
