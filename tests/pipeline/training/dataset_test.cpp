#include "pipeline/training/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "kernels/device/error.h"
#include "tests/pipeline/training/toy.h"
#include "tests/support/error_of.h"

namespace serenade {
namespace {

std::string complaint(const test::Toy& toy) {
  return test::error_of([&] { toy.data(); });
}

TEST(DataSet, NamesTheClipThatCannotBeUsed) {
  test::Toy toy;
  toy.add("calm", Array<float>({3, 2}));
  EXPECT_EQ(complaint(toy), "no error");

  Array<float> bad({3, 2});
  bad[5] = std::numeric_limits<float>::quiet_NaN();
  toy.add("sad", std::move(bad));
  EXPECT_EQ(complaint(toy), "clip-1001: its features hold nan in frame 2, dimension 1");

  test::Toy uneven = test::waves(1);
  uneven.add("sad", Array<float>({3, 5}));
  EXPECT_EQ(complaint(uneven), "clip-1001: its features are [3, 5] but must be [frames, 4]");
  test::Toy empty = test::waves(1);
  empty.add("sad", Array<float>({0, 4}));
  EXPECT_EQ(complaint(empty), "clip-1001: has no frames");
  test::Toy unknown = test::waves(1);
  unknown.add("bored", Array<float>({1, 4}));
  EXPECT_NE(complaint(unknown), "no error");
}

TEST(DataSet, CopiesWhatFitsAndViewsTheRest) {
  test::Toy toy = test::waves(7);
  std::vector<Array<float>> source;
  std::size_t bytes = 0;
  const DataSet views = toy.data();
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto x = views.features(i);
    source.emplace_back(x.shape());
    std::copy(x.span().begin(), x.span().end(), source.back().data());
    bytes += static_cast<std::size_t>(x.size()) * sizeof(float);
  }
  const FeatureSource from = [&](std::size_t i) { return std::as_const(source[i]).view(); };
  const DataSet viewed(toy.corpus(), from, bytes - 1);
  const DataSet copied(toy.corpus(), from, bytes);
  for (std::size_t i = 0; i < source.size(); ++i) {
    EXPECT_EQ(viewed.features(i).data(), source[i].data());
    EXPECT_NE(copied.features(i).data(), source[i].data());
    ASSERT_EQ(copied.features(i).shape(), source[i].shape());
    std::fill_n(source[i].data(), source[i].size(), 0.0F);
    EXPECT_TRUE(std::ranges::equal(copied.features(i).span(), views.features(i).span()));
  }
}

TEST(Shuffled, IsAnOrderOfTheSameRows) {
  const test::Toy toy = test::waves(200);
  const DataSet data = toy.data();
  std::vector<std::size_t> rows(150);
  std::iota(rows.begin(), rows.end(), 20);
  std::set<std::vector<std::size_t>> orders;
  for (const std::uint64_t seed : {1U, 2U}) {
    for (const std::uint32_t epoch : {1U, 2U, 3U}) {
      const auto order = shuffled(data, rows, seed, epoch);
      EXPECT_THAT(order, testing::UnorderedElementsAreArray(rows));
      EXPECT_EQ(shuffled(data, rows, seed, epoch), order);
      orders.insert(order);
    }
  }
  EXPECT_EQ(orders.size(), 6U);
  EXPECT_FALSE(orders.contains(rows));
}

TEST(Shuffled, TwoClipsKeepTheirOrderWhoeverElseIsThere) {
  const test::Toy toy = test::waves(100);
  const DataSet data = toy.data();
  std::vector<std::size_t> all(100), half;
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t i = 0; i < 100; i += 2) half.push_back(98 - i);
  auto expected = shuffled(data, all, 5, 1);
  std::erase_if(expected, [](std::size_t row) { return row % 2 == 1; });
  EXPECT_EQ(shuffled(data, half, 5, 1), expected);
}

/// The mean place of a clip over many epochs must be near the middle: with 400 epochs its standard
/// deviation is 29 / sqrt(400) = 1.45 places; 6 places are more than four of those.
TEST(Shuffled, FavoursNoPlace) {
  const test::Toy toy = test::waves(100);
  const DataSet data = toy.data();
  std::vector<std::size_t> rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<double> place(100, 0.0);
  for (std::uint32_t epoch = 1; epoch <= 400; ++epoch) {
    const auto order = shuffled(data, rows, 9, epoch);
    for (std::size_t i = 0; i < order.size(); ++i) {
      place[order[i]] += static_cast<double>(i) / 400;
    }
  }
  for (const double mean : place) EXPECT_NEAR(mean, 49.5, 6);
}

TEST(Gather, PutsTogetherWhatWriteAndLabelSay) {
  const test::Toy toy = test::waves(40);
  const DataSet data = toy.data();
  const NetworkInput input(InputLayout::frames, {{0, 100, 0, 0}, {1, 20, 1, 1}}, 20);
  const std::vector<std::size_t> rows = {7, 3, 39, 3, 0};
  for (const int threads : {1, 3}) {
    Context context(threads);
    Batch batch;
    gather(context, data, input, rows, batch);
    ASSERT_EQ(batch.x.shape(), (Shape{5, 20, 4}));
    ASSERT_EQ(batch.targets.shape(), (Shape{5, 3}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto at = static_cast<Index>(i);
      Array<float> alone({20, 4});
      input.write(data.features(rows[i]), alone.view());
      const auto row = batch.x.view().row(at).span();
      EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.span().begin()));
      for (Index c = 0; c < 3; ++c) {
        EXPECT_EQ(batch.targets[3 * at + c], data.label(rows[i]) == c ? 1.0F : 0.0F);
      }
      EXPECT_EQ(batch.utterances[at], data.number(rows[i]));
    }
  }
}

/// What a clip looks like to a network, by each normalisation: as write says with the row's scaler.
TEST(Gather, StandardisesEachRowByItsOwnScaler) {
  test::Toy toy = test::waves(12);
  for (std::size_t i = 0; i < 12; ++i) toy.corpus().utterances[i].speaker = i % 3 == 0 ? "a" : "b";
  const std::vector<std::size_t> rows = {7, 3, 11, 3};
  for (const Normalisation by : {Normalisation::clip, Normalisation::speaker}) {
    const DataSet data = toy.data(by);
    EXPECT_EQ(data.scalers().size(), by == Normalisation::clip ? 12U : 2U);
    const NetworkInput input(InputLayout::frames, {{0, 0, 0, 0}, {1, 1, 1, 1}}, 20,
                             Windows::average, by);
    Context context(2);
    Batch batch;
    gather(context, data, input, rows, batch);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::vector<Moments> clips;
      for (std::size_t j = 0; j < 12; ++j) {
        const bool his =
            toy.corpus().utterances[j].speaker == toy.corpus().utterances[rows[i]].speaker;
        if (by == Normalisation::clip ? j == rows[i] : his) {
          clips.push_back(moments_of(data.features(j)));
        }
      }
      const StandardScaler scaler = scaler_of(clips);
      Array<float> alone({20, 4});
      input.write(data.features(rows[i]), alone.view(), &scaler);
      const auto row = batch.x.view().row(static_cast<Index>(i)).span();
      EXPECT_TRUE(std::equal(row.begin(), row.end(), alone.span().begin())) << i;
    }
  }
  const DataSet plain = toy.data();
  EXPECT_TRUE(plain.scalers().empty());
  EXPECT_EQ(plain.scaler(3), nullptr);
}

}  // namespace
}  // namespace serenade
