#include "pipeline/training/scaler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/device/error.h"
#include "tests/pipeline/training/toy.h"

namespace serenade {
namespace {

TEST(Scaler, IsMeanAndPopulationDeviationOfTheTrainingFrames) {
  const test::Toy toy = test::waves(50);
  const DataSet data = toy.data();
  const Fold fold = test::fold_of(50);
  const StandardScaler scaler = fit_scaler(data, fold.training());
  for (Index d = 0; d < 4; ++d) {
    // numpy.concatenate(clips)[:, d].mean() and .std() in float64.
    double sum = 0, squares = 0, n = 0;
    for (const std::size_t row : fold.training().indices()) {
      const auto x = data.features(row);
      for (Index f = 0; f < x.extent(0); ++f, n += 1)
        sum += static_cast<double>(x.row(f).data()[d]);
    }
    for (const std::size_t row : fold.training().indices()) {
      const auto x = data.features(row);
      for (Index f = 0; f < x.extent(0); ++f) {
        squares += std::pow(static_cast<double>(x.row(f).data()[d]) - sum / n, 2);
      }
    }
    // Only the order of float64 additions may differ: about 500 of them.
    EXPECT_NEAR(scaler.mean[static_cast<std::size_t>(d)], sum / n, 1e-12 * std::abs(sum / n));
    EXPECT_NEAR(scaler.scale[static_cast<std::size_t>(d)], std::sqrt(squares / n), 1e-12 * 20);
  }
}

/// sklearn.preprocessing.StandardScaler 1.9.1 on [[1, 0.1, 3], [2, 0.1, 3], [4, 0.1, 3]] (float32
/// values as float64).
TEST(Scaler, AgreesWithScikitLearn) {
  test::Toy toy;
  Array<float> first({2, 3}), second({1, 3}), unseen({1, 3});
  const float a[] = {1, 0.1F, 3, 2, 0.1F, 3}, b[] = {4, 0.1F, 3};
  std::copy_n(a, 6, first.data());
  std::copy_n(b, 3, second.data());
  unseen.fill(1000);
  toy.add("calm", std::move(first));
  toy.add("calm", std::move(second));
  toy.add("calm", std::move(unseen));
  const DataSet data = toy.data();
  const StandardScaler scaler = fit_scaler(data, Fold("fold", {0, 1}, {}, {2}).training());
  EXPECT_DOUBLE_EQ(scaler.mean[0], 7.0 / 3);
  EXPECT_DOUBLE_EQ(scaler.scale[0], 1.247219128924647);
  EXPECT_DOUBLE_EQ(scaler.mean[1], 0.10000000149011612);
  EXPECT_EQ(scaler.scale[1], 1.0);
  EXPECT_EQ(scaler.mean[2], 3.0);
  EXPECT_EQ(scaler.scale[2], 1.0);
}

/// A mean that float64 cannot hold leaves deviations of an ulp, which are no signal.
TEST(Scaler, GivesConstantDimensionsScaleOne) {
  test::Toy toy;
  Array<float> x({1001, 1});
  x.fill(0.3F);
  toy.add("calm", std::move(x));
  const DataSet data = toy.data();
  EXPECT_EQ(fit_scaler(data, Fold("fold", {0}, {}, {}).training()).scale[0], 1.0);
}

TEST(Scaler, NeedsTrainingRows) {
  const test::Toy toy = test::waves(3);
  const DataSet data = toy.data();
  EXPECT_THROW(fit_scaler(data, Fold("fold", {}, {}, {0}).training()), DataError);
  EXPECT_THROW(choose_frames(data, Fold("fold", {}, {}, {0}).training()), DataError);
}

/// Two speakers say the same, one a hundred times louder, off centre and in another order.
test::Toy two_speakers() {
  test::Toy quiet = test::waves(12), both;
  for (int loud = 0; loud < 2; ++loud) {
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t from = loud == 0 ? i : 11 - i;
      const auto x = quiet.features(from);
      Array<float> features(x.shape());
      for (Index j = 0; j < x.size(); ++j) {
        features[j] = loud == 0 ? x.data()[j] : 100 * x.data()[j] + 1000;
      }
      both.add(quiet.corpus().utterances[from].label, std::move(features));
      both.corpus().utterances.back().speaker = loud == 0 ? "quiet" : "loud";
    }
  }
  return both;
}

SpeakerScalers fitted(const test::Toy& toy) {
  return fit_speakers(toy.corpus(), [&](std::size_t i) { return toy.features(i); });
}

TEST(FitSpeakers, BringsSpeakersOfOtherLevelsToOne) {
  const test::Toy toy = two_speakers();
  const DataSet data = toy.data(Normalisation::speaker);
  const NetworkInput input(InputLayout::frames, {{0, 0, 0, 0}, {1, 1, 1, 1}}, 20, Windows::average,
                           Normalisation::speaker);
  for (std::size_t i = 0; i < 12; ++i) {
    Array<float> quiet(input.shape()), loud(input.shape());
    input.write(data.features(i), quiet.view(), data.scaler(i));
    input.write(data.features(23 - i), loud.view(), data.scaler(23 - i));
    for (Index j = 0; j < quiet.size(); ++j) {
      // The loud one's numbers, of up to 13,000, were rounded to float32: 5e-4 of a scale of 50
      // and more.
      ASSERT_NEAR(quiet[j], loud[j], 2e-5) << i;
    }
  }
  // As they are, and by one scaler for both, they are far apart.
  EXPECT_GT(data.features(23).data()[1], 50 * data.features(0).data()[1]);
}

TEST(FitSpeakers, LooksAtNoLabelAndNoOrder) {
  const test::Toy toy = two_speakers();
  const SpeakerScalers before = fitted(toy);
  ASSERT_EQ(before.size(), 2U);
  EXPECT_NE(before.at("loud").mean, before.at("quiet").mean);
  test::Toy changed;
  for (std::size_t i = 24; i-- > 0;) {
    Array<float> copy(toy.features(i).shape());
    std::copy_n(toy.features(i).data(), copy.size(), copy.data());
    changed.add(i % 2 == 0 ? "calm" : "sad", std::move(copy));
    changed.corpus().utterances.back().speaker = toy.corpus().utterances[i].speaker;
  }
  for (const auto& [speaker, scaler] : fitted(changed)) {
    EXPECT_EQ(scaler.mean, before.at(speaker).mean);
    EXPECT_EQ(scaler.scale, before.at(speaker).scale);
  }
}

/// Copies of the quiet speaker's clips that are ten times as large and 500 higher, by three
/// recipes: another voice of the same change, a change that is drawn, and a voice of other copies.
TEST(FitSpeakers, GivesAnotherVoiceOfASpeakersItsOwnScaler) {
  const test::Toy toy = two_speakers();
  std::vector<CopyRecipe> recipes(3);
  recipes[0].speed = Amount{0.9, 0.9};
  recipes[1].speed = Amount{0.9, 1.1};
  recipes[2].pitch_shift = Amount{2, 2};
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < 24; ++i) rows.push_back(i);
  const Fold fold("fold", rows, {}, {});
  const TrainingCopies copies(24, recipes, std::array{fold.training()});
  std::vector<Array<float>> changed;
  for (const TrainingCopy& copy : copies.all()) {
    const auto from = toy.features(copy.source).span();
    Array<float>& to = changed.emplace_back(toy.features(copy.source).shape());
    const float factor = copy.recipe == 2 ? 3.0F : 10.0F;
    std::ranges::transform(from, to.data(), [&](float x) { return factor * x + 500; });
  }
  const FeatureSource features = [&](std::size_t row) {
    return row < 24 ? toy.features(row) : Tensor<const float>(changed[row - 24].view());
  };
  const DataSet data(toy.corpus(), features, 0, Normalisation::speaker, copies);
  ASSERT_EQ(data.scalers().size(), 6U) << "two speakers, two more voices of each";
  for (std::size_t i = 0; i < 24; ++i) {
    const StandardScaler& own = *data.scaler(i);
    EXPECT_EQ(data.scaler(24 + 24 + i), &own) << "drawn: the speaker's";
    for (const std::size_t recipe : {0, 2}) {
      const double factor = recipe == 2 ? 3 : 10;
      const StandardScaler& voice = *data.scaler(24 + 24 * recipe + i);
      for (std::size_t d = 0; d < own.mean.size(); ++d) {
        // The copies were rounded to float32, of up to 130,000.
        EXPECT_NEAR(voice.mean[d], factor * own.mean[d] + 500, 1e-2);
        EXPECT_NEAR(voice.scale[d], factor * own.scale[d], 1e-3 * voice.scale[d]);
      }
    }
  }
}

/// Statistics of a clip are one vector: standardised by itself it would be nothing but zeros.
TEST(FitSpeakers, GivesAVoiceOfOneVectorItsSpeakersScaler) {
  test::Toy toy;
  for (const float level : {1.0F, 2.0F, 4.0F}) {
    Array<float> vector({1, 1});
    vector[0] = level;
    toy.add("sad", std::move(vector));
    toy.corpus().utterances.back().speaker = "one";
  }
  std::vector<CopyRecipe> recipes(1);
  recipes[0].speed = Amount{0.9, 0.9};
  const FeatureSource features = [&](std::size_t row) { return toy.features(row % 3); };
  const auto scalers = [&](const std::vector<std::size_t>& rows) {
    const Fold fold("fold", rows, {}, {});
    const TrainingCopies copies(3, recipes, std::array{fold.training()});
    return DataSet(toy.corpus(), features, 0, Normalisation::speaker, copies).scalers().size();
  };
  EXPECT_EQ(scalers({0}), 1U);
  EXPECT_EQ(scalers({0, 1}), 2U);
}

TEST(ChooseFrames, CoversNineteenOfTwenty) {
  test::Toy toy;
  for (Index length = 1; length <= 41; ++length) toy.add("sad", Array<float>({length, 1}));
  const DataSet data = toy.data();
  const auto chosen = [&](std::size_t clips) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < clips; ++i) rows.push_back(i);
    return choose_frames(data, Fold("fold", rows, {}, {}).training());
  };
  EXPECT_EQ(chosen(1), 1);
  EXPECT_EQ(chosen(19), 19);
  EXPECT_EQ(chosen(20), 19);
  EXPECT_EQ(chosen(21), 20);
  EXPECT_EQ(chosen(40), 38);
  EXPECT_EQ(chosen(41), 39);
}

}  // namespace
}  // namespace serenade
