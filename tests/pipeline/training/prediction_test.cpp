#include "pipeline/training/prediction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>

#include "kernels/device/error.h"
#include "pipeline/training/trainer.h"
#include "tests/pipeline/training/toy_member.h"

namespace serenade {
namespace {

class Predicted : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    toy = std::make_unique<test::Toy>(test::waves(70));
    data = std::make_unique<DataSet>(toy->data());
    member = std::make_unique<Member>(
        test::member_of(*data, test::fold_of(70), test::training_options("{epochs: 2}")));
    Context context(2);
    Observer observer;
    Trainer(context, *data, observer).train({member.get(), 1});
  }
  static void TearDownTestSuite() {
    member.reset();
    data.reset();
    toy.reset();
  }

  static Prediction of(std::span<const std::size_t> rows, int threads = 1) {
    Context context(threads);
    std::vector<Tensor<const float>> features;
    for (const std::size_t row : rows) features.push_back(data->features(row));
    return predict(context, member->network(), member->input(), features);
  }
  static Prediction of_features(const std::vector<Tensor<const float>>& features, int threads = 1) {
    Context context(threads);
    return predict(context, member->network(), member->input(), features);
  }
  /// The clips of the data set one after another, up to this many frames.
  static Array<float> long_clip(Index frames) {
    Array<float> clip({frames, data->dims()});
    Index filled = 0;
    for (std::size_t row = 0; filled < clip.size(); row = (row + 1) % data->size()) {
      for (const float value : data->features(row).span()) {
        if (filled < clip.size()) clip[filled++] = value;
      }
    }
    return clip;
  }
  static Tensor<const float> part(const Array<float>& clip, Index start, Index frames) {
    return {clip.data() + start * data->dims(), {frames, data->dims()}};
  }
  static bool same(const Prediction& a, Index row_a, const Prediction& b, Index row_b) {
    const auto equal = [&](const Array<float>& x, const Array<float>& y) {
      const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
      return std::ranges::equal(x.view().row(row_a).span(), y.view().row(row_b).span(), {}, bits,
                                bits);
    };
    return equal(a.logits, b.logits) && equal(a.probabilities, b.probabilities);
  }

  static inline std::unique_ptr<test::Toy> toy;
  static inline std::unique_ptr<DataSet> data;
  static inline std::unique_ptr<Member> member;
};

TEST_F(Predicted, HasTheSameBitsAloneAndInAnyCompany) {
  std::vector<std::size_t> all(70);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const Prediction together = of(all);
  for (const int threads : {2, 3, 7}) {
    const Prediction again = of(all, threads);
    for (Index i = 0; i < 70; ++i) EXPECT_TRUE(same(together, i, again, i)) << threads;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(same(of({{i}}), 0, together, static_cast<Index>(i))) << i;
  }
  const std::vector<std::size_t> some = {69, 3, 3, 41};
  const Prediction few = of(some);
  for (std::size_t i = 0; i < some.size(); ++i) {
    EXPECT_TRUE(same(few, static_cast<Index>(i), together, static_cast<Index>(some[i]))) << i;
  }
}

TEST_F(Predicted, GivesTheSoftmaxOfItsLogits) {
  const Prediction prediction = of({{4, 9}});
  for (Index row = 0; row < 2; ++row) {
    double sum = 0;
    for (Index c = 0; c < 3; ++c) sum += std::exp(double{prediction.logits[3 * row + c]});
    for (Index c = 0; c < 3; ++c) {
      // One rounding to float32.
      const double expected = std::exp(double{prediction.logits[3 * row + c]}) / sum;
      EXPECT_NEAR(prediction.probabilities[3 * row + c], expected, expected * 1e-7);
    }
  }
}

/// A clip of 20 frames a window, hop 10: of 53 frames windows begin at 0, 10, 20, 30 and 33.
TEST_F(Predicted, AveragesTheWindowsOfLongClips) {
  const Array<float> clip = long_clip(53);
  const Prediction whole = of_features({clip.view()});
  std::vector<Tensor<const float>> parts;
  for (const Index start : {0, 10, 20, 30, 33}) parts.push_back(part(clip, start, 20));
  const Prediction windows = of_features(parts);
  for (Index c = 0; c < 3; ++c) {
    double mean = 0;
    for (Index w = 0; w < 5; ++w) mean += double{windows.probabilities[3 * w + c]} / 5;
    // Logits are rounded to float32 before they become probabilities: a logarithm of size 10 by
    // 5e-7 of it.
    EXPECT_NEAR(whole.probabilities[c], mean, 1e-6 * mean);
  }
}

TEST_F(Predicted, SeesTheCentreAloneWhereToldTo) {
  const NetworkInput& input = member->input();
  const NetworkInput centre(input.layout(), input.scaler(), input.frames(), Windows::centre);
  const Array<float> clip = long_clip(53);
  Context context;
  const std::vector<Tensor<const float>> features = {clip.view()};
  const Prediction one = predict(context, member->network(), centre, features);
  EXPECT_TRUE(same(one, 0, of_features({part(clip, 16, 20)}), 0));
  EXPECT_FALSE(same(one, 0, of_features({clip.view()}), 0));
}

TEST_F(Predicted, LongClipsHaveTheSameBitsInAnyCompany) {
  const Array<float> longer = long_clip(533), shorter = long_clip(21);
  const std::vector<Tensor<const float>> all = {data->features(3), longer.view(), data->features(9),
                                                shorter.view()};
  const Prediction together = of_features(all);
  for (const int threads : {1, 2, 3, 7}) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(same(of_features({all[i]}, threads), 0, together, static_cast<Index>(i)))
          << i << " of " << threads;
    }
  }
}

TEST_F(Predicted, OfNoClipsIsNothing) { EXPECT_EQ(of({}).probabilities.shape(), (Shape{0, 3})); }

TEST_F(Predicted, RefusesOtherFeaturesAndNetworks) {
  Context context;
  const Array<float> narrow({5, 3});
  const std::vector<Tensor<const float>> features = {narrow.view()};
  EXPECT_THROW(predict(context, member->network(), member->input(), features), ShapeError);
  const NetworkInput longer(InputLayout::frames, member->input().scaler(), 21);
  EXPECT_THROW(predict(context, member->network(), longer, {}), ShapeError);
}

TEST(MostLikely, IsTheFirstOfEquals) {
  EXPECT_EQ(most_likely(std::vector<float>{.1F, .4F, .4F, .1F}), 1);
  EXPECT_EQ(most_likely(std::vector<float>{.5F, .4F}), 0);
}

}  // namespace
}  // namespace serenade
