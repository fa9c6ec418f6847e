#include "kernels/nn/gradients.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/device/philox.h"
#include "kernels/nn/optimizer.h"

namespace serenade::test {
namespace {

Array<float> numbers(Index size, std::uint32_t stream) {
  Array<float> array(Shape{size});
  for (Index i = 0; i < size; ++i) {
    const auto word =
        Philox(5)({static_cast<std::uint32_t>(i), stream, 0, purpose_of(Purpose::test)})[0];
    array[i] = uniform(word) - 0.25F;
  }
  return array;
}

/// Sizes within a share of 32,768, of several, and with a rest.
TEST(GlobalNorm, IsTheRootOfAllSquaresForAnyNumberOfThreads) {
  auto a = numbers(100'003, 1), b = numbers(7, 2), c = numbers(32'768, 3);
  const std::vector<Tensor<float>> all{a.view(), b.view(), c.view()};
  double squares = 0;
  for (const auto& tensor : all) {
    for (const float value : tensor.span()) squares += double{value} * double{value};
  }
  Context context;
  const double norm = global_norm(context, all);
  EXPECT_NEAR(norm, std::sqrt(squares), 1e-12 * norm);
  for (const int threads : {2, 3, 7}) {
    Context several(threads);
    EXPECT_EQ(norm, global_norm(several, all)) << threads;
  }
}

TEST(ClipByGlobalNorm, LeavesShorterGradientsAndThoseThatAreNoNumbers) {
  Context context;
  auto a = numbers(50, 1);
  const auto before = std::vector<float>(a.span().begin(), a.span().end());
  const std::vector<Tensor<float>> all{a.view()};
  const double norm = clip_by_global_norm(context, 1e6, all);
  EXPECT_TRUE(std::ranges::equal(a.span(), before));
  clip_by_global_norm(context, norm / 2, all);
  EXPECT_NEAR(global_norm(context, all), norm / 2, 1e-6 * norm);
  a[3] = std::numeric_limits<float>::infinity();
  const float other = a[4];
  EXPECT_FALSE(std::isfinite(clip_by_global_norm(context, 1, all)));
  EXPECT_EQ(a[4], other);
}

TEST(L2, IsTheGradientOfItsPenalty) {
  Context context(2);
  const auto value = numbers(40'000, 1);
  auto gradient = numbers(40'000, 2);
  const auto before = numbers(40'000, 2);
  add_l2_gradient(context, 0.05, value.view(), gradient.view());
  for (Index i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(gradient[i], double{before[i]} + 0.1 * double{value[i]}, 1e-7);
  }
  Array<float> shorter(Shape{3});
  EXPECT_THROW(add_l2_gradient(context, 0.1, value.view(), shorter.view()), ShapeError);
}

TEST(MovingAverage, GoesTowardsTheValue) {
  Context context(2);
  const auto value = numbers(40'000, 1);
  auto average = numbers(40'000, 2);
  const auto before = numbers(40'000, 2);
  moving_average(context, 0.9, value.view(), average.view());
  for (Index i = 0; i < value.size(); ++i) {
    ASSERT_NEAR(average[i], 0.9 * double{before[i]} + 0.1 * double{value[i]}, 1e-7);
  }
}

TEST(Sgd, RefusesShapesThatDiffer) {
  Context context;
  Array<float> value(Shape{2}), gradient(Shape{3});
  const std::vector<OptimizerSlot> slots{{value.view(), gradient.view(), value.view(), {}, false}};
  EXPECT_THROW(sgd(context, {}, 0.1, slots), ShapeError);
  EXPECT_THROW(sgd(context, {-1, false}, 0.1, {}), ConfigError);
}

}  // namespace
}  // namespace serenade::test
