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
