#include "pipeline/augmentation/copies.h"

#include <gmock/gmock.h>

#include <array>

#include "tests/support/error_of.h"

namespace serenade {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Six clips, of which the last has the bytes of clip `twin`.
Corpus corpus_of_six(std::size_t twin) {
  Corpus corpus{"toy", {}, {"calm"}, {}};
  for (std::size_t i = 0; i < 6; ++i) {
    Utterance utterance;
    utterance.id = std::string("clip-") + static_cast<char>('0' + i);
    utterance.path = utterance.id + ".wav";
    utterance.content = {0, i == 5 ? twin : i};
    utterance.label = "calm";
    corpus.utterances.push_back(utterance);
  }
  return corpus;
}

std::vector<CopyRecipe> recipes(std::size_t count) { return std::vector<CopyRecipe>(count); }

std::vector<std::size_t> list(const TrainingRows& rows) {
  return {rows.indices().begin(), rows.indices().end()};
}

TEST(TrainingCopies, AreOfWhatSomeFoldTrainsOnAndOfNothingElse) {
  const Fold a("a", {0, 2}, {}, {1, 3}), b("b", {1, 2}, {3}, {0});
  const TrainingCopies copies(6, recipes(2), std::array{a.training(), b.training()});
  EXPECT_THAT(copies.all(),
              ElementsAre(TrainingCopy{0, 0}, TrainingCopy{1, 0}, TrainingCopy{2, 0},
                          TrainingCopy{0, 1}, TrainingCopy{1, 1}, TrainingCopy{2, 1}));
  const AugmentedRows learned(a.training(), copies);
  EXPECT_THAT(list(learned.rows()), ElementsAre(0, 2, 6, 8, 9, 11));
  EXPECT_EQ(learned.copies(), 4U);
}

TEST(TrainingCopies, OfNoRecipeLeaveTheRowsAsTheyAre) {
  const Fold fold("a", {0, 2}, {1}, {3});
  const AugmentedRows learned(fold.training(), TrainingCopies());
  EXPECT_EQ(list(learned.rows()), list(fold.training()));
  EXPECT_EQ(learned.copies(), 0U);
}

TEST(TrainingCopies, ThatAreLeftOutAreNoRows) {
  const Fold fold("a", {0, 1, 2}, {}, {3});
  TrainingCopies copies(6, recipes(1), std::array{fold.training()});
  copies.leave_out([](const TrainingCopy& copy) { return copy.source == 1; });
  EXPECT_THAT(list(AugmentedRows(fold.training(), copies).rows()), ElementsAre(0, 1, 2, 6, 7));
}

TEST(TrainingCopies, AreAnotherVoiceWhereEveryClipsPitchMovesAlike) {
  const auto of = [](double low, double high) { return Amount{low, high}; };
  std::vector<CopyRecipe> all(7);
  all[0].speed = of(0.9, 0.9);
  all[1].speed = of(0.9, 1.1);
  all[2].pitch_shift = of(2, 2);
  all[3].pitch_shift = of(-2, 2);
  all[4].time_stretch = of(0.9, 0.9);
  all[5].noise = of(10, 35);
  all[6].speed = of(1.1, 1.1);
  all[6].noise = of(10, 35);
  const Fold fold("a", {0, 1}, {}, {3});
  const TrainingCopies copies(6, all, std::array{fold.training()});
  std::vector<bool> found;
  for (std::size_t i = 0; i < all.size(); ++i) found.push_back(copies.makes_voice(i));
  EXPECT_THAT(found, ElementsAre(true, false, true, false, false, false, true));
}

TEST(CopiesUnheard, HoldsForAFoldAndItsOwnRows) {
  const Corpus corpus = corpus_of_six(0);
  const Fold a("a", {0, 2, 5}, {1}, {3}), b("b", {1, 2}, {3}, {0});
  const TrainingCopies copies(6, recipes(2), std::array{a.training(), b.training()});
  for (const Fold* fold : {&a, &b}) {
    const AugmentedRows learned(fold->training(), copies);
    EXPECT_NO_THROW(expect_copies_unheard(corpus, *fold, learned.rows(), copies));
  }
}

TEST(CopiesUnheard, FindsACopyOfATestOrValidationClip) {
  const Corpus corpus = corpus_of_six(5);
  const Fold a("a", {0, 2}, {1}, {3, 4}), b("b", {1, 2}, {3}, {0}), c("c", {4}, {}, {0});
  const TrainingCopies copies(6, recipes(1), std::array{a.training(), b.training(), c.training()});
  const auto refusal = [&](const Fold& of_rows) {
    return test::error_of<DataError>([&] {
      const AugmentedRows learned(of_rows.training(), copies);
      expect_copies_unheard(corpus, a, learned.rows(), copies);
    });
  };
  EXPECT_EQ(refusal(a), "no error");
  EXPECT_THAT(refusal(b), HasSubstr("a copy of clip-1.wav"));
  EXPECT_THAT(refusal(c), HasSubstr("a copy of clip-4.wav"));
}

TEST(CopiesUnheard, FindsTheSameBytesUnderAnotherName) {
  const Fold fold("a", {0, 2}, {1}, {3, 5});
  const TrainingCopies copies(6, recipes(1), std::array{fold.training()});
  const AugmentedRows learned(fold.training(), copies);
  EXPECT_NO_THROW(expect_copies_unheard(corpus_of_six(3), fold, learned.rows(), copies));
  EXPECT_THAT(test::error_of<DataError>(
                  [&] { expect_copies_unheard(corpus_of_six(2), fold, learned.rows(), copies); }),
              AllOf(HasSubstr("clip-2.wav"), HasSubstr("clip-5.wav")));
}

TEST(CopiesUnheard, RefusesRowsThatAreNeitherClipNorCopy) {
  const Corpus corpus = corpus_of_six(5);
  const Fold fold("a", {0, 2}, {}, {3});
  const TrainingCopies copies(6, recipes(1), std::array{fold.training()});
  const AugmentedRows learned(fold.training(), copies);
  EXPECT_THAT(test::error_of<DataError>(
                  [&] { expect_copies_unheard(corpus, fold, learned.rows(), TrainingCopies()); }),
              HasSubstr("row 6 is neither"));
}

}  // namespace
}  // namespace serenade
